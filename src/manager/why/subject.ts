import { type TaskRecord, taskContainerName } from '../../core/model/task.ts'
import type { Snapshot } from '../model/snapshot.ts'

/**
 * The task that is meant by an id or its beginning, the name of its container, or the container's id. Of several in one slot the
 * newest; undefined: none.
 */
export function findTask(reference: string, { tasks, status }: Snapshot): TaskRecord | undefined {
  const all = [...tasks.values()].sort((a, b) => b.createRevision - a.createRevision).map(({ value }) => value)
  const isId = /^[0-9a-f]{4,}$/.test(reference)
  return (
    all.find(({ id }) => id === reference) ??
    all.find(task => taskContainerName(task) === reference) ??
    (isId ? all.find(({ id }) => id.startsWith(reference)) : undefined) ??
    (isId ? all.find(({ id }) => status.get(id)?.value.containerId?.startsWith(reference) === true) : undefined)
  )
}
