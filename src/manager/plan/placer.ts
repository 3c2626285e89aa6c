import type { PlacementRecord } from '../../core/model/explanation.ts'
import { isTerminal, type TaskRecord, taskContainerName } from '../../core/model/task.ts'
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

type PlacerDecision =
  | { readonly placed: true; readonly node: string; readonly record: PlacementRecord }
  /** One line for each reason. */
  | { readonly placed: false; readonly reasons: readonly string[] }

/** Finds nodes for tasks, one after the other; a task it placed takes up its resources for those behind it. */
export interface Placer {
  /** `avoid`: a node where it just failed, taken only if no other fits. */
  readonly place: (task: TaskRecord, avoid?: string) => PlacerDecision
}

/** A placer over what the snapshot shows to be taken up, and what containers that belong to no task take up. */
export function createPlacer(snapshot: Snapshot, nodes: ReadonlyMap<string, NodeState>, round: Round): Placer {
  const { strategy, overcommit, preferences } = round.options
  const view = clusterView(snapshot, nodes, { overcommit, standalone: round.standalone })
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
      reserve(view, { ...task, node })
      for (const volume of request.volumes) view.pinVolume(volume, node)
      return { placed: true, node, record }
    },
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
  { overcommit, standalone = new Map() }: ViewOptions,
): ClusterView {
  const view = new ClusterView({ overcommit })
  for (const { record, member, presence } of nodes.values()) {
    view.setNode(schedulableNode(record, member, presence === 'ready'))
  }
  for (const { value } of snapshot.volumes.values()) view.pinVolume(value.name, value.node)
  for (const { value: task } of snapshot.tasks.values()) {
    const state = snapshot.status.get(task.id)?.value.state
    if (state === undefined || !isTerminal(state)) reserve(view, task)
  }
  for (const reservation of standalone.values()) view.reserve(reservation)
  return view
}

function reserve(view: ClusterView, task: TaskRecord): void {
  const { id, node, spec, serviceId } = task
  if (node === undefined) return
  const { nanoCpus, memoryBytes, hostPorts } = requestOf(spec, serviceId)
  view.reserve({ id, node, nanoCpus, memoryBytes, hostPorts, serviceId, name: taskContainerName(task) })
}
