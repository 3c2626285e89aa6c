import type { TaskRecord } from '../../core/model/task.ts'
import { type ClusterKeys, type Compare, type Operation, taskCodec, volumeCodec } from '../../discovery/index.ts'
import type { Action, Pin } from '../model/action.ts'
import type { Stored } from '../model/snapshot.ts'

/** A write, and what must still be true for it. */
export interface Transaction {
  readonly compares: readonly Compare[]
  readonly operations: readonly Operation[]
}

type Executable = {
  readonly [V in Action['do']]: (action: Extract<Action, { do: V }>, keys: ClusterKeys, token: number) => Transaction
}

/** How each action is written; total, so that an action without a transaction does not compile. */
const WRITE: Executable = {
  'record-node': ({ node, before }, keys) => {
    const key = keys.node(node.name)
    return {
      compares: [before === undefined ? { key, exists: false } : unchanged(before)],
      operations: [{ put: key, value: JSON.stringify(node) }],
    }
  },
  'create-task': ({ task, pins }, keys) => joined(createTask(task, keys), ...pins.map(writePin)),
  'place-task': ({ waiting, task, pins }, keys) =>
    joined(removeTask(waiting), createTask(task, keys), ...pins.map(writePin)),
  'replace-task': ({ old, task, pins }, keys, token) =>
    joined(stopTask(old, token), createTask(task, keys), ...pins.map(writePin)),
  'stop-task': ({ task }, _keys, token) => stopTask(task, token),
  'rewrite-service': ({ before, service, project }) =>
    joined(rewrite(before, service), ...(project ? [rewrite(project.before, project.value)] : [])),
  'explain-task': ({ task, reasons }) => rewriteTask(task, { ...task.value, pendingReasons: reasons }),
  'keep-task': ({ task }) => {
    const { leaving: _, ...kept } = task.value
    return rewriteTask(task, kept)
  },
  // Only what is known to exist is deleted: deleting nothing makes no event, and we wait to see our own writes.
  'forget-task': ({ task, status }) =>
    joined(removeTask(task), ...(status === undefined ? [] : [{ compares: [], operations: [{ delete: status.key }] }])),
  'forget-status': ({ status }, keys) => ({
    compares: [unchanged(status), { key: keys.task(status.value.node, status.value.taskId), exists: false }],
    operations: [{ delete: status.key }],
  }),
  'forget-record': ({ kind, record }, keys) => ({
    compares: [unchanged(record)],
    operations: [
      { delete: record.key },
      ...(kind === 'project' ? [{ deletePrefix: keys.filesOf(record.key.slice(keys.projects.length)) }] : []),
    ],
  }),
  'condemn-volume': ({ volume }) => ({
    compares: [unchanged(volume)],
    operations: [
      { put: volume.key, value: volumeCodec.encode({ ...volume.value, removing: true } as typeof volume.value) },
    ],
  }),
  'delete-volume': ({ volume }) => ({ compares: [unchanged(volume)], operations: [{ delete: volume.key }] }),
}

/** The transaction of an action, without the comparison that fences the leader. */
export function transactionOf<V extends Action['do']>(
  action: Extract<Action, { do: V }>,
  keys: ClusterKeys,
  fencingToken: number,
): Transaction {
  const write: Executable[V] = WRITE[action.do]
  return write(action, keys, fencingToken)
}

/** True only while the leader with this token leads. */
export function fence(keys: ClusterKeys, fencingToken: number): Compare {
  return { key: keys.election, createRevision: fencingToken }
}

export function unchanged({ key, modRevision }: Stored<unknown>): Compare {
  return { key, modRevision }
}

function createTask(task: TaskRecord, keys: ClusterKeys): Transaction {
  const key = keys.task(task.node, task.id)
  return { compares: [{ key, exists: false }], operations: [{ put: key, value: taskCodec.encode(task) }] }
}

function removeTask(task: Stored<TaskRecord>): Transaction {
  return { compares: [unchanged(task)], operations: [{ delete: task.key }] }
}

/** A task that never had a node is simply deleted; any other is told to stop. */
function stopTask(task: Stored<TaskRecord>, fencingToken: number): Transaction {
  if (task.value.node === undefined) return removeTask(task)
  return rewriteTask(task, { ...task.value, desired: 'stopped', fencingToken })
}

function rewriteTask(task: Stored<TaskRecord>, value: TaskRecord): Transaction {
  return { compares: [unchanged(task)], operations: [{ put: task.key, value: taskCodec.encode(value) }] }
}

function rewrite<T>(before: Stored<T>, value: T): Transaction {
  return { compares: [unchanged(before)], operations: [{ put: before.key, value: JSON.stringify(value) }] }
}

export function writePin({ volume, node }: Pin): Transaction {
  return {
    compares: [unchanged(volume)],
    operations: [{ put: volume.key, value: volumeCodec.encode({ ...volume.value, node }) }],
  }
}

/** Several as one: all of it or nothing. */
export function joined(...parts: readonly Transaction[]): Transaction {
  return {
    compares: parts.flatMap(part => part.compares),
    operations: parts.flatMap(part => part.operations),
  }
}
