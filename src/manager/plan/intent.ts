import type { PrintedLine, ServiceRecord } from '../../core/model/task.ts'
import type { TaskFacts } from './task-facts.ts'

/** What an orchestrator wants; where tasks go is for the placement to say. */
export type Intent =
  /** A new task, waiting if it has no place; what it replaces is told to stop with it. */
  | {
      readonly want: 'create'
      readonly slot: number
      readonly failures: number
      readonly because: string
      readonly replaces?: TaskFacts
    }
  | { readonly want: 'stop'; readonly facts: TaskFacts; readonly because: string }
  /**
   * A successor, only if there is a place for it. `lost`: the old one is told to stop with it, and is left as it is
   * without. `drain`: the old one stops once its successor is well; without a place it stays, and says why.
   */
  | { readonly want: 'move'; readonly facts: TaskFacts; readonly why: 'lost' | 'drain' }
  /** The change of its spec has failed, and is taken back. */
  | { readonly want: 'roll-back'; readonly because: string; readonly printed: readonly PrintedLine[] }
  /** The change of its spec has proved itself. */
  | { readonly want: 'end-update' }
  /** Nothing to do before this moment of the monotonic clock. */
  | { readonly want: 'wait'; readonly untilMs: number }

export interface ServiceView {
  readonly service: ServiceRecord
  /** Its tasks, oldest first. */
  readonly tasks: readonly TaskFacts[]
  /** Where it is to have tasks. */
  readonly slots: ReadonlySet<number>
  /** Tasks of the present spec may start: what the service depends on is there. */
  readonly mayUpdate: boolean
  readonly endedSinceMs: ReadonlyMap<string, number>
  /** Since when tasks are well, where an update goes by that. */
  readonly wellSinceMs: ReadonlyMap<string, number>
  readonly monotonicMs: number
}
