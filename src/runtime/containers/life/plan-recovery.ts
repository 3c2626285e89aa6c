import { unreachable } from '../../../core/invariant.ts'
import type { ContainerRecord } from '../record.ts'
import { startsWithEngine } from './restart-decision.ts'

/** What can be seen of a container that an earlier engine left behind. */
export interface LeftBehind {
  readonly hasExitFile: boolean
  /** Its first process runs. */
  readonly processAlive: boolean
  /** Its conmon runs. */
  readonly monitorAlive: boolean
}

export type RecoveryStep =
  /** Half created: undo. */
  | { readonly do: 'discard' }
  /** Half removed: finish. */
  | { readonly do: 'remove'; readonly anonymousVolumes: boolean }
  /** Runs as it should. */
  | { readonly do: 'adopt' }
  /** Was being started and did not get to run: undo; `start` if its policy wants it to run. */
  | { readonly do: 'undo-start'; readonly start: boolean }
  /** Ended while no engine looked. */
  | { readonly do: 'settle'; readonly lost: boolean }
  /** Runs without a monitor: nobody would notice its end or read its output. */
  | { readonly do: 'kill' }
  | { readonly do: 'restart'; readonly dueAtMs: number }
  | { readonly do: 'start' }
  | { readonly do: 'nothing' }

/** What a new engine does about each container it finds. Pure. */
export function planRecovery(record: ContainerRecord, seen: LeftBehind): RecoveryStep {
  const { life } = record
  switch (life.status) {
    case 'creating':
      return { do: 'discard' }
    case 'removing':
      return { do: 'remove', anonymousVolumes: life.anonymousVolumes }
    case 'starting':
      if (seen.processAlive && seen.monitorAlive) return { do: 'adopt' }
      return seen.hasExitFile ? { do: 'settle', lost: false } : { do: 'undo-start', start: wantsToRun(record) }
    case 'running':
      if (seen.hasExitFile) return { do: 'settle', lost: false }
      // A monitor that lives will leave an exit file even if the process has just ended.
      if (seen.monitorAlive) return { do: 'adopt' }
      return seen.processAlive ? { do: 'kill' } : { do: 'settle', lost: true }
    case 'restarting':
      return { do: 'restart', dueAtMs: life.dueAtMs }
    case 'idle':
      return record.lastRun !== undefined && wantsToRun(record) ? { do: 'start' } : { do: 'nothing' }
    default:
      return unreachable(life)
  }
}

function wantsToRun(record: ContainerRecord): boolean {
  return startsWithEngine({
    policy: record.host.RestartPolicy ?? {},
    exitCode: record.lastRun?.exitCode ?? 0,
    stoppedByHand: record.stoppedByHand,
    ranMs: 0,
    restartCount: record.restartCount,
    previousDelayMs: record.restartDelayMs,
  })
}
