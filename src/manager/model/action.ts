import type { NodeRecord } from '../../core/model/node.ts'
import type { ServiceRecord, TaskRecord, TaskStatus } from '../../core/model/task.ts'
import type { ProjectRecord, Stored, StoredVolume } from './snapshot.ts'

/** A volume that becomes tied to the node of the first task that uses it. */
export interface Pin {
  readonly volume: Stored<StoredVolume>
  readonly node: string
}

/**
 * One thing to do to the store or to a node, decided from one snapshot. Each is one transaction that is refused if
 * something it was decided from has changed since, so doing it twice or too late does no harm.
 */
export type Action =
  /** Remember a node, or what changed about it. */
  | { readonly do: 'record-node'; readonly node: NodeRecord; readonly before?: Stored<NodeRecord> }
  /** A new task, placed or waiting for a place. `pins` are written with it. */
  | { readonly do: 'create-task'; readonly task: TaskRecord; readonly pins: readonly Pin[]; readonly because: string }
  /** A waiting task gets its node. */
  | {
      readonly do: 'place-task'
      readonly waiting: Stored<TaskRecord>
      readonly task: TaskRecord
      readonly pins: readonly Pin[]
    }
  /** The old task is told to stop and its successor is placed, in one transaction. */
  | {
      readonly do: 'replace-task'
      readonly old: Stored<TaskRecord>
      readonly task: TaskRecord
      readonly pins: readonly Pin[]
      readonly because: string
    }
  | { readonly do: 'stop-task'; readonly task: Stored<TaskRecord>; readonly because: string }
  /** What a service is to be, or what is known of that, is another from now on; its project says the same. */
  | {
      readonly do: 'rewrite-service'
      readonly before: Stored<ServiceRecord>
      readonly service: ServiceRecord
      readonly project?: { readonly before: Stored<ProjectRecord>; readonly value: ProjectRecord }
      readonly because: string
    }
  /** Says anew why a task has no (living) node. */
  | { readonly do: 'explain-task'; readonly task: Stored<TaskRecord>; readonly reasons: readonly string[] }
  /** A task that was asked to leave its node stays: there is no other place for it. */
  | { readonly do: 'keep-task'; readonly task: Stored<TaskRecord> }
  /** Forget a task that has ended, with its status. */
  | { readonly do: 'forget-task'; readonly task: Stored<TaskRecord>; readonly status?: Stored<TaskStatus> }
  /** A status whose task is gone. */
  | { readonly do: 'forget-status'; readonly status: Stored<TaskStatus> }
  /** Deletes the record of a service, a network or a project that is being removed. */
  | {
      readonly do: 'forget-record'
      readonly kind: 'service' | 'network' | 'project'
      readonly record: Stored<unknown>
    }
  /** Marks a volume for deletion. */
  | { readonly do: 'condemn-volume'; readonly volume: Stored<StoredVolume> }
  /** Deletes a volume's data on its node, and what others have under its name, then its record. */
  | { readonly do: 'delete-volume'; readonly volume: Stored<StoredVolume> }
