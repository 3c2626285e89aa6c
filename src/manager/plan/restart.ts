import type { RestartSpec } from '../../core/model/service.ts'
import type { TaskFacts } from './task-facts.ts'

const DELAY_FIRST_MS = 1_000
const DELAY_MAX_MS = 60_000
/** A task that ran for so long was well, unless its policy says otherwise: what happens to it then is a new story. */
const STABLE_MS = 60_000

export type Restart =
  | { readonly restart: false }
  | { readonly restart: true; readonly delayMs: number; readonly failures: number }

/** Whether, and how long after its end, a task that ended by itself gets a successor. */
export function restartAfter({ task, status, situation }: TaskFacts, policy: RestartSpec): Restart {
  const wanted = situation === 'failed' ? policy.condition !== 'none' : policy.condition === 'any'
  const ranMs = (status?.finishedAtMs ?? 0) - (status?.startedAtMs ?? Number.POSITIVE_INFINITY)
  const failures = ranMs >= (policy.windowMs ?? STABLE_MS) ? 1 : task.failures + 1
  const attempts = failures + (status?.restarts ?? 0)
  if (!wanted || (policy.maxAttempts !== undefined && attempts > policy.maxAttempts)) return { restart: false }
  const firstMs = policy.delayMs ?? DELAY_FIRST_MS
  return { restart: true, failures, delayMs: Math.min(DELAY_MAX_MS, firstMs * 2 ** Math.min(failures - 1, 10)) }
}
