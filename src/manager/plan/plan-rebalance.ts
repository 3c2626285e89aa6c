import { isTerminal } from '../../core/model/task.ts'
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
  const facts = allFacts(snapshot, nodes)
  const counts = countTasks(facts, nodes)
  const movable = movableTasks(facts)
  const moves: RebalanceMove[] = []
  while (moves.length < movesMax) {
    const move = nextMove(movable, counts, view)
    if (move === undefined) break
    const { facts: moved, from, to } = move
    counts.set(from, (counts.get(from) ?? 0) - 1)
    counts.set(to, (counts.get(to) ?? 0) + 1)
    movable.get(from)?.delete(moved)
    view.reserve({ id: moved.task.id, node: to, ...reservationOf(moved) })
    moves.push(move)
  }
  return moves
}

function nextMove(
  movable: ReadonlyMap<string, ReadonlySet<TaskFacts>>,
  counts: ReadonlyMap<string, number>,
  view: ClusterView,
): RebalanceMove | undefined {
  const fewest = Math.min(...counts.values())
  const fullestFirst = [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  for (const [from, count] of fullestFirst) {
    if (count - fewest < DIFFERENCE_MIN) return undefined
    const tried = new Set<string>()
    for (const facts of movable.get(from) ?? []) {
      // Replicas of one service have the same places.
      if (tried.has(facts.task.serviceId)) continue
      tried.add(facts.task.serviceId)
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

/** Whether tasks that were asked to leave their nodes are still there: until they are gone nobody can tell how full nodes are. */
export function areTasksLeaving({ tasks, status }: Snapshot): boolean {
  return [...tasks.values()].some(
    ({ value }) => value.leaving === true && !isTerminal(status.get(value.id)?.value.state ?? 'pending'),
  )
}

function allFacts(snapshot: Snapshot, nodes: ReadonlyMap<string, NodeState>): TaskFacts[] {
  const volumeNodes = new Map(
    [...snapshot.volumes.values()].flatMap(({ value: { name, node } }) => (node === undefined ? [] : [[name, node]])),
  )
  return [...snapshot.tasks.values()].map(stored => {
    const { node, id } = stored.value
    const status = snapshot.status.get(id)?.value
    return factsOf(stored, { status, node: node === undefined ? undefined : nodes.get(node), volumeNodes })
  })
}

/** By node, the newest first: what has run for long is left alone. */
function movableTasks(facts: readonly TaskFacts[]): Map<string, Set<TaskFacts>> {
  const isMovable = ({ situation, settled, draining, pinned }: TaskFacts): boolean =>
    situation === 'live' && settled && !draining && !pinned
  const newestFirst = facts.filter(isMovable).sort((a, b) => b.stored.createRevision - a.stored.createRevision)
  const byNode = Map.groupBy(newestFirst, ({ task }) => task.node ?? '')
  return new Map([...byNode].map(([node, tasks]) => [node, new Set(tasks)]))
}

/** Tasks that run, or are about to, on each node that may get more. */
function countTasks(facts: readonly TaskFacts[], nodes: ReadonlyMap<string, NodeState>): Map<string, number> {
  const open = [...nodes.values()].filter(
    ({ presence, record }) => presence === 'ready' && record.availability === 'active',
  )
  const counts = new Map(open.map(({ name }) => [name, 0]))
  for (const { task, situation } of facts) {
    const count = counts.get(task.node ?? '')
    if (count !== undefined && situation === 'live') counts.set(task.node ?? '', count + 1)
  }
  return counts
}
