import type { PlacementRecord } from '../../core/model/explanation.ts'
import type { MemberRecord, NodeRecord } from '../../core/model/node.ts'
import type { TaskRecord } from '../../core/model/task.ts'
import {
  ClusterView,
  place,
  type Reservation,
  reasonLines,
  requestOf,
  type Strategy,
  schedulableNode,
} from '../../scheduler/index.ts'
import type { NodeState } from '../model/node-state.ts'
import type { Round } from '../model/round.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { StoredTasks } from './stored-tasks.ts'

type PlacerDecision =
  | { readonly placed: true; readonly node: string; readonly record: PlacementRecord }
  /** One line for each reason. */
  | { readonly placed: false; readonly reasons: readonly string[] }

/** Finds nodes for tasks, one after the other; a task it placed takes up its resources for those behind it. */
export interface Placer {
  /** `avoid`: a node where it just failed, taken only if no other fits. */
  readonly place: (task: TaskRecord, avoid?: string) => PlacerDecision
}

/**
 * Makes a placer for each round, over what its snapshot shows to be taken up and what containers that belong to no task take up.
 * They share a view that is kept: a round pays for what has changed since the last one that placed something.
 */
export function createPlacers(): (snapshot: Snapshot, nodes: ReadonlyMap<string, NodeState>, round: Round) => Placer {
  let kept: KeptView | undefined
  return (snapshot, nodes, round) => {
    const { strategy, overcommit, preferences } = round.options
    kept ??= new KeptView(overcommit)
    const { view, tasks } = kept
    kept.look(snapshot, nodes, round.standalone)
    const how: Strategy = {
      ...preferences,
      ...(strategy === 'random' ? { name: strategy, random: round.random } : { name: strategy }),
    }
    return {
      place(task, avoid) {
        const request = requestOf(task.spec, task.serviceId)
        const elsewhere = { ...request, constraints: [...request.constraints, `node!=${avoid}`] }
        const preferred = avoid === undefined ? undefined : place(elsewhere, view, how)
        const decision = preferred?.placed === true ? preferred : place(request, view, how)
        if (!decision.placed) return { placed: false, reasons: reasonLines(decision.refusals) }
        const { node } = decision
        const record = { ...decision.record(), decidedAtMs: round.nowMs }
        tasks.expect(task, node, request.volumes)
        return { placed: true, node, record }
      },
    }
  }
}

export interface ViewOptions {
  readonly overcommit: number
  /** What containers that belong to no task take up. */
  readonly standalone?: ReadonlyMap<string, Reservation> | undefined
}

/** The nodes, with what every task that has not ended takes up on them, and every container that belongs to none. */
export function clusterView(
  snapshot: Snapshot,
  nodes: ReadonlyMap<string, NodeState>,
  { overcommit, standalone }: ViewOptions,
): ClusterView {
  const kept = new KeptView(overcommit)
  kept.look(snapshot, nodes, standalone)
  return kept.view
}

/** A node as it was last taken over. What is recorded of it is made anew for every round, but for what it is made from. */
interface KnownNode {
  readonly intent: NodeRecord | undefined
  readonly member: MemberRecord
  readonly isReady: boolean
}

class KeptView {
  readonly view: ClusterView
  readonly tasks: StoredTasks
  readonly #nodes = new Map<string, KnownNode>()
  #standalone = new Set<string>()

  constructor(overcommit: number) {
    this.view = new ClusterView({ overcommit })
    this.tasks = new StoredTasks(this.view)
  }

  look(
    snapshot: Snapshot,
    nodes: ReadonlyMap<string, NodeState>,
    standalone: ReadonlyMap<string, Reservation> = new Map(),
  ): void {
    this.#lookAtNodes(snapshot, nodes)
    this.tasks.look(snapshot)
    for (const id of this.#standalone) if (!standalone.has(id)) this.view.release(id)
    for (const reservation of standalone.values()) this.view.reserve(reservation)
    this.#standalone = new Set(standalone.keys())
  }

  #lookAtNodes(snapshot: Snapshot, nodes: ReadonlyMap<string, NodeState>): void {
    for (const name of this.#nodes.keys()) {
      if (nodes.has(name)) continue
      this.#nodes.delete(name)
      this.view.removeNode(name)
    }
    for (const [name, { record, member, presence }] of nodes) {
      const now = { intent: snapshot.nodes.get(name)?.value, member, isReady: presence === 'ready' }
      const known = this.#nodes.get(name)
      if (known?.intent === now.intent && known?.member === member && known?.isReady === now.isReady) continue
      this.#nodes.set(name, now)
      this.view.setNode(schedulableNode(record, member, now.isReady))
    }
  }
}
