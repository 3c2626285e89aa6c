import { type ClusterView, place, requestOf } from '../../scheduler/index.ts'
import type { NodeState } from '../model/node-state.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { clusterView, type ViewOptions } from './placer.ts'
import { factsOf, type TaskFacts } from './task-facts.ts'

export interface RebalanceMove {
  readonly facts: TaskFacts
  readonly from: string
  /** Where it would go as things stand; the placement decides again when it goes. */
  readonly to: string
}

/** A move must leave its old node at least as full as the new one is then: otherwise it would only swap them. */
const DIFFERENCE_MIN = 2

/**
 * Tasks that should go elsewhere so that nodes have equally many, at most `movesMax` of them; each one makes the cluster more even than
 * the moves before it left it. Tasks stay that are not well, that are tied to their node's data, or that fit nowhere else.
 * Pure: the same arguments give the same moves.
 */
export function planRebalance(
  snapshot: Snapshot,
  nodes: ReadonlyMap<string, NodeState>,
  { movesMax, ...options }: ViewOptions & { readonly movesMax: number },
): RebalanceMove[] {
  const view = clusterView(snapshot, nodes, options)
  const tasks = movableTasks(snapshot, nodes)
  const counts = countTasks(snapshot, nodes)
  const moves: RebalanceMove[] = []
  while (moves.length < movesMax) {
    const move = nextMove(tasks, counts, view)
    if (move === undefined) break
    const { facts, from, to } = move
    counts.set(from, (counts.get(from) ?? 0) - 1)
    counts.set(to, (counts.get(to) ?? 0) + 1)
    tasks.delete(facts.task.id)
    view.reserve({ id: facts.task.id, node: to, ...reservationOf(facts) })
    moves.push(move)
  }
  return moves
}

function nextMove(
  tasks: ReadonlyMap<string, TaskFacts>,
  counts: ReadonlyMap<string, number>,
  view: ClusterView,
): RebalanceMove | undefined {
  const fewest = Math.min(...counts.values())
  const fullestFirst = [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  for (const [from, count] of fullestFirst) {
    if (count - fewest < DIFFERENCE_MIN) return undefined
    for (const facts of tasks.values()) {
      if (facts.task.node !== from) continue
      const to = placeElsewhere(facts, from, view)
      if (to !== undefined && count - (counts.get(to) ?? 0) >= DIFFERENCE_MIN) return { facts, from, to }
    }
  }
  return undefined
}

function placeElsewhere({ task }: TaskFacts, from: string, view: ClusterView): string | undefined {
  const request = requestOf(task.spec, task.serviceId)
  const elsewhere = { ...request, constraints: [...request.constraints, `node!=${from}`] }
  const placement = place(elsewhere, view, { name: 'spread' })
  return placement.placed ? placement.node : undefined
}

function reservationOf({ task }: TaskFacts) {
  const { nanoCpus, memoryBytes, hostPorts } = requestOf(task.spec, task.serviceId)
  return { nanoCpus, memoryBytes, hostPorts, serviceId: task.serviceId }
}

/** By id, the newest first: what has run for long is left alone. */
function movableTasks(snapshot: Snapshot, nodes: ReadonlyMap<string, NodeState>): Map<string, TaskFacts> {
  const volumeNodes = new Map(
    [...snapshot.volumes.values()].flatMap(({ value: { name, node } }) => (node === undefined ? [] : [[name, node]])),
  )
  const newestFirst = [...snapshot.tasks.values()].sort((a, b) => b.createRevision - a.createRevision)
  const facts = newestFirst.map(stored => {
    const { node, id } = stored.value
    const status = snapshot.status.get(id)?.value
    return factsOf(stored, { status, node: node === undefined ? undefined : nodes.get(node), volumeNodes })
  })
  const isMovable = ({ situation, settled, draining, pinned }: TaskFacts): boolean =>
    situation === 'live' && settled && !draining && !pinned
  return new Map(facts.filter(isMovable).map(each => [each.task.id, each]))
}

/** Tasks on each node that may get more. */
function countTasks(snapshot: Snapshot, nodes: ReadonlyMap<string, NodeState>): Map<string, number> {
  const open = [...nodes.values()].filter(
    ({ presence, record }) => presence === 'ready' && record.availability === 'active',
  )
  const counts = new Map(open.map(({ name }) => [name, 0]))
  for (const { value: task } of snapshot.tasks.values()) {
    const count = counts.get(task.node ?? '')
    if (count !== undefined && task.desired === 'running') counts.set(task.node ?? '', count + 1)
  }
  return counts
}
