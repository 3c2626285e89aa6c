import type { ContainerState, ContainerStatus, HealthState } from '../../docker-api/index.ts'
import type { ContainerRecord } from './record.ts'

/** Docker's "never". */
const NEVER = '0001-01-01T00:00:00Z'

/** A record's life in docker's words. `health` is what the monitor has now. */
export function stateOf(record: ContainerRecord, health: HealthState | undefined): ContainerState {
  const { life, lastRun } = record
  const running = life.status === 'running' ? life : undefined
  const status = statusOf(record)
  const shownHealth = health ?? record.health
  return {
    Status: status,
    // A container between two runs counts as running, as Docker has it.
    Running: running !== undefined || status === 'restarting',
    Paused: running?.paused === true,
    Restarting: status === 'restarting',
    OOMKilled: running === undefined && lastRun?.oomKilled === true,
    Dead: false,
    Pid: running?.process.pid ?? 0,
    ExitCode: running === undefined ? (lastRun?.exitCode ?? 0) : 0,
    Error: running === undefined ? (lastRun?.error ?? '') : '',
    StartedAt: timeText(running?.startedAtMs ?? lastRun?.startedAtMs ?? 0),
    FinishedAt: timeText(lastRun?.finishedAtMs ?? 0),
    ...(shownHealth === undefined ? {} : { Health: shownHealth }),
  }
}

export function statusOf({ life, lastRun }: ContainerRecord): ContainerStatus {
  switch (life.status) {
    case 'creating':
      return 'created'
    case 'idle':
    case 'starting':
      // A start that failed leaves what never ran as it was.
      return lastRun === undefined || lastRun.startedAtMs === 0 ? 'created' : 'exited'
    case 'running':
      return life.paused ? 'paused' : 'running'
    case 'restarting':
      return 'restarting'
    case 'removing':
      return 'removing'
  }
}

function timeText(ms: number): string {
  return ms === 0 ? NEVER : new Date(ms).toISOString()
}
