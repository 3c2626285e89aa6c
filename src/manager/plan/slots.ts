import type { ServiceRecord } from '../../core/model/task.ts'
import { parseConstraint, schedulableNode } from '../../scheduler/index.ts'
import type { NodeState } from '../model/node-state.ts'
import type { TaskFacts } from './task-facts.ts'

type Nodes = ReadonlyMap<string, NodeState>

/**
 * The slots that a service is to have tasks in: 1 to n of n replicas. Of a global service, one for each node that may have it: a node
 * keeps its slot, whatever becomes of others. Tasks in no such slot are surplus.
 */
export function slotsOf(service: ServiceRecord, tasks: readonly TaskFacts[], nodes: Nodes): ReadonlySet<number> {
  const { mode, replicas, constraints } = service.spec
  if (mode !== 'global') return new Set(Array.from({ length: replicas }, (_, index) => index + 1))
  return replicas === 0 ? new Set() : globalSlots(tasks, nodesFor(constraints, nodes))
}

/** A global service has nothing to do on a node that is down; what it has there goes on when the node is back. */
export function isAwaited({ spec }: ServiceRecord, { situation }: TaskFacts): boolean {
  return spec.mode !== 'global' || situation !== 'lost'
}

interface Eligible {
  /** What they have may stay there, even while they are away. */
  readonly keeping: ReadonlySet<string>
  /** They get a task if they have none. */
  readonly taking: ReadonlySet<string>
}

function nodesFor(constraints: readonly string[], nodes: Nodes): Eligible {
  const demands = constraints.map(parseConstraint).filter(({ soft }) => !soft)
  const fitting = [...nodes.values()].filter(({ record, member, presence }) => {
    const node = schedulableNode(record, member, presence === 'ready')
    return record.availability !== 'drain' && demands.every(({ holds }) => holds(node))
  })
  const taking = fitting.filter(({ presence, record }) => presence === 'ready' && record.availability === 'active')
  return { keeping: new Set(fitting.map(({ name }) => name)), taking: new Set(taking.map(({ name }) => name)) }
}

function globalSlots(tasks: readonly TaskFacts[], { keeping, taking }: Eligible): ReadonlySet<number> {
  const byNode = new Map(
    tasks.flatMap(({ task, situation }) => {
      const { node } = task
      return node !== undefined && situation !== 'ended' && keeping.has(node) ? [[node, task.slot]] : []
    }),
  )
  const slots = new Set(byNode.values())
  let missing = [...taking].filter(node => !byNode.has(node)).length
  // Whose task waits for a place first, so that it is not made anew.
  const waiting = tasks.filter(({ task, situation }) => task.node === undefined && situation === 'live')
  for (const { task } of waiting) if (missing > 0 && !slots.has(task.slot) && slots.add(task.slot)) missing--
  for (let slot = 1; missing > 0; slot++) if (!slots.has(slot) && slots.add(slot)) missing--
  return slots
}
