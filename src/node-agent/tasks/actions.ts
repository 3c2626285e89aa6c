import type { HookSpec } from '../../core/model/service.ts'
import type { TaskRecord } from '../../core/model/task.ts'
import type { Observation } from './task-status.ts'

interface Args {
  /** Brings a task to run: networks, volumes, image, address, container. Finds what an earlier try made. */
  run: { task: TaskRecord }
  /** Gives up a `run` that is under way. */
  cancel: object
  /** `hooks` are run in it before, as far as they can be. */
  stop: { container: string; service: string; graceMs: number; hooks: readonly HookSpec[] }
  /**
   * Removes containers; `stop` lets them end in their own time first, `release` gives the task's addresses back
   * afterwards.
   */
  remove: { containers: readonly string[]; stop: boolean; release: boolean }
  /** Deletes what was reported of a task that exists no more, and gives its addresses back. */
  forget: object
  report: { status: Observation }
  /** Reports the end of a run, with the last that the container printed. */
  conclude: { status: Observation; container: string }
  /** Says whether the task's addresses resolve. */
  publish: { healthy: boolean }
}

export type Verb = keyof Args
export type Action = { [V in Verb]: { readonly verb: V; readonly taskId: string } & Readonly<Args[V]> }[Verb]
export type ActionOf<V extends Verb> = Extract<Action, { verb: V }>

/** Who carries out what. A verb without an executor does not compile. */
export type Executors = { readonly [V in Verb]: (action: ActionOf<V>, signal: AbortSignal) => Promise<void> }

export function execute<V extends Verb>(table: Executors, action: ActionOf<V>, signal: AbortSignal): Promise<void> {
  const run: Executors[V] = table[action.verb]
  return run(action, signal)
}
