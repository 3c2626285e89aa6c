import type { TaskRecord } from '../../core/model/task.ts'

export interface Known {
  /** Newest fencing token obeyed before these tasks were seen. */
  readonly fencingToken: number
  /** Whether the task was taken on earlier: it has a container, or something was reported of it. */
  readonly isTakenOn: (taskId: string) => boolean
}

export interface Admission {
  readonly stale: readonly string[]
  /** Newest token obeyed from now on. */
  readonly fencingToken: number
}

/**
 * Sorts out orders of a manager that had been replaced before we first saw them; pure. Tasks that were taken on while
 * their manager led stay valid: a change of leaders does not touch what runs. All tasks of one view of the store count
 * as seen at the same moment.
 */
export function admit(tasks: readonly TaskRecord[], { fencingToken, isTakenOn }: Known): Admission {
  const stale = tasks.filter(task => task.fencingToken < fencingToken && !isTakenOn(task.id))
  return {
    stale: stale.map(task => task.id),
    fencingToken: Math.max(fencingToken, ...tasks.map(task => task.fencingToken)),
  }
}
