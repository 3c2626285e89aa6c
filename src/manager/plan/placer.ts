import type { TaskRecord } from '../../core/model/task.ts'

export type PlacerDecision =
  | { readonly placed: true; readonly node: string; readonly because: string }
  /** One line for each reason, the nodes it holds for counted or named. */
  | { readonly placed: false; readonly reasons: readonly string[] }

/** Finds nodes for tasks, one after the other; a task it placed takes up its resources for those behind it. */
export interface Placer {
  readonly place: (task: TaskRecord) => PlacerDecision
}
