import { isTerminal, isWell } from '../../core/model/task.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * What only time tells: since when a node is absent and a task at its end, on the manager's own monotonic clock. Kept in
 * memory from round to round; a new manager starts counting anew, which only ever delays a replacement.
 */
export interface Observations {
  readonly absentSinceMs: ReadonlyMap<string, number>
  readonly endedSinceMs: ReadonlyMap<string, number>
  /** Since when a task is well; only of services whose updates go by that. */
  readonly wellSinceMs: ReadonlyMap<string, number>
}

export const NOTHING_OBSERVED: Observations = {
  absentSinceMs: new Map(),
  endedSinceMs: new Map(),
  wellSinceMs: new Map(),
}

/** The observations after looking at `snapshot`. */
export function observe(before: Observations, snapshot: Snapshot, monotonicMs: number): Observations {
  const absentSinceMs = new Map<string, number>()
  const endedSinceMs = new Map<string, number>()
  const wellSinceMs = new Map<string, number>()
  for (const name of snapshot.nodes.keys()) {
    if (!snapshot.members.has(name)) absentSinceMs.set(name, before.absentSinceMs.get(name) ?? monotonicMs)
  }
  for (const { value } of snapshot.status.values()) {
    const update = snapshot.tasks.get(value.taskId)?.value.spec.update
    if (update !== undefined && isWell(value)) {
      wellSinceMs.set(value.taskId, before.wellSinceMs.get(value.taskId) ?? monotonicMs)
    }
    if (isTerminal(value.state)) {
      endedSinceMs.set(value.taskId, before.endedSinceMs.get(value.taskId) ?? monotonicMs)
    }
  }
  return { absentSinceMs, endedSinceMs, wellSinceMs }
}
