import { unreachable } from '../../../core/invariant.ts'
import type { RestartPolicy } from '../../../docker-api/index.ts'

const DELAY_MS_FIRST = 100
const DELAY_MS_MAX = 60_000
/** A run at least this long starts the delays anew. */
const STEADY_MS = 10_000

export interface EndOfRun {
  readonly policy: RestartPolicy
  readonly exitCode: number
  /** Somebody stopped or killed it: only a start by hand runs it again. */
  readonly stoppedByHand: boolean
  readonly ranMs: number
  /** Restarts by the policy since the last start by hand. */
  readonly restartCount: number
  /** Delay before the run that ended; 0 if it was started by hand. */
  readonly previousDelayMs: number
}

export type RestartDecision = { readonly restart: false } | { readonly restart: true; readonly delayMs: number }

/** Whether and when a container that ended runs again. Source: Docker's restart policies and their delays. */
export function decideRestart(end: EndOfRun): RestartDecision {
  if (end.stoppedByHand || !policyWants(end)) return { restart: false }
  const steady = end.ranMs >= STEADY_MS || end.previousDelayMs === 0
  return { restart: true, delayMs: steady ? DELAY_MS_FIRST : Math.min(DELAY_MS_MAX, end.previousDelayMs * 2) }
}

/** Whether a container that is not running runs again because the engine started. */
export function startsWithEngine(end: EndOfRun): boolean {
  if (end.policy.Name === 'always') return true
  return !end.stoppedByHand && policyWants(end)
}

function policyWants({ policy, exitCode, restartCount }: EndOfRun): boolean {
  switch (policy.Name) {
    case 'always':
    case 'unless-stopped':
      return true
    case 'on-failure': {
      const most = policy.MaximumRetryCount ?? 0
      return exitCode !== 0 && (most === 0 || restartCount < most)
    }
    case 'no':
    case '':
    case undefined:
      return false
    default:
      return unreachable(policy.Name)
  }
}
