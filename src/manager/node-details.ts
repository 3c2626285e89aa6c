import type { NodeTaskView } from '../core/model/control-api.ts'
import { isTerminal, type TaskRecord, taskContainerName } from '../core/model/task.ts'
import type { Snapshot, Stored } from './model/snapshot.ts'

/** The tasks that a node has not got rid of, by name, each with its successor or what keeps it there. */
export function placementsOn(node: string, snapshot: Snapshot): NodeTaskView[] {
  const isDraining = snapshot.nodes.get(node)?.value.availability === 'drain'
  const live = [...snapshot.tasks.values()].filter(({ value }) => !isTerminal(stateOf(value, snapshot)))
  const wanted = Map.groupBy(
    live.filter(({ value }) => value.desired === 'running' && value.node !== undefined),
    ({ value }) => slotOf(value),
  )
  return live
    .filter(({ value }) => value.node === node)
    .map(stored => {
      const successor = wanted.get(slotOf(stored.value))?.find(other => isAfter(other, stored))
      const blockers = isDraining && successor === undefined ? (stored.value.pendingReasons ?? []) : []
      return {
        ...taskFacts(stored.value, snapshot),
        name: taskContainerName(stored.value),
        serviceId: stored.value.serviceId,
        ...(successor === undefined
          ? {}
          : { successor: { ...taskFacts(successor.value, snapshot), node: successor.value.node ?? '' } }),
        ...(blockers.length === 0 ? {} : { blockers }),
      }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function isAfter(other: Stored<TaskRecord>, stored: Stored<TaskRecord>): boolean {
  return other.value.node !== stored.value.node && other.createRevision > stored.createRevision
}

function taskFacts(task: TaskRecord, snapshot: Snapshot): Pick<NodeTaskView, 'id' | 'state' | 'health'> {
  const status = snapshot.status.get(task.id)?.value
  return { id: task.id, state: stateOf(task, snapshot), health: status?.health ?? 'none' }
}

function stateOf(task: TaskRecord, snapshot: Snapshot): NodeTaskView['state'] {
  return snapshot.status.get(task.id)?.value.state ?? 'pending'
}

function slotOf({ serviceId, slot }: TaskRecord): string {
  return `${serviceId}.${slot}`
}
