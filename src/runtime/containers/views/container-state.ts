import type { ContainerState, ContainerStatus, HealthState } from '../../../docker-api/index.ts'
import type { ContainerRecord, EndedRun } from '../record.ts'

/** Docker's "never". */
const NEVER = '0001-01-01T00:00:00Z'

/** A record's life in docker's words. `health` is what the monitor has now. */
export function stateOf(record: ContainerRecord, health: HealthState | undefined): ContainerState {
  const { life, lastRun } = record
  const status = statusOf(record)
  const shown = health ?? record.health
  const common = {
    Status: status,
    // A container between two runs counts as running, as Docker has it.
    Running: life.status === 'running' || status === 'restarting',
    Restarting: status === 'restarting',
    Dead: false,
    FinishedAt: timeText(lastRun?.finishedAtMs),
    ...(shown === undefined ? {} : { Health: shown }),
  }
  if (life.status === 'running') {
    const { paused: Paused, process, startedAtMs } = life
    return {
      ...common,
      Paused,
      OOMKilled: false,
      Pid: process.pid,
      ExitCode: 0,
      Error: '',
      StartedAt: timeText(startedAtMs),
    }
  }
  const { oomKilled = false, exitCode = 0, error = '', startedAtMs } = lastRun ?? {}
  return {
    ...common,
    Paused: false,
    OOMKilled: oomKilled,
    Pid: 0,
    ExitCode: exitCode,
    Error: error,
    StartedAt: timeText(startedAtMs),
  }
}

export function statusOf({ life, lastRun }: ContainerRecord): ContainerStatus {
  switch (life.status) {
    case 'creating':
      return 'created'
    case 'starting':
      // Who looks then must not take it for one that has ended.
      if (life.again === true) return 'restarting'
      return endedOrCreated(lastRun)
    case 'idle':
      return endedOrCreated(lastRun)
    case 'running':
      return life.paused ? 'paused' : 'running'
    case 'restarting':
      return 'restarting'
    case 'removing':
      return 'removing'
  }
}

/** A start that failed leaves what never ran as it was. */
function endedOrCreated(lastRun: EndedRun | undefined): ContainerStatus {
  return lastRun === undefined || lastRun.startedAtMs === 0 ? 'created' : 'exited'
}

function timeText(ms = 0): string {
  return ms === 0 ? NEVER : new Date(ms).toISOString()
}
