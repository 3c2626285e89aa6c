import type { ClusterView, ConstraintMask } from './cluster-view.ts'
import type { PlacementRequest } from './node.ts'
import { SIBLING_RANK, type Strategy } from './rank.ts'
import { type Refusal, refusalsOf } from './refusals.ts'

export type Placement =
  | { readonly placed: true; readonly node: string; readonly because: string }
  | { readonly placed: false; readonly refusals: readonly Refusal[] }

/**
 * Chooses a node for a container. Decides only: what was chosen takes up room once `view.reserve` is called.
 *
 * The same view and request give the same node. Soft constraints are tried first and, if that leaves no node, dropped
 * together. If no node fits, every node says everything that is in the way there.
 */
export function place(request: PlacementRequest, view: ClusterView, strategy: Strategy): Placement {
  const masks = request.constraints.map(expression => view.mask(expression))
  const hard = masks.filter(mask => !mask.constraint.soft)
  const best =
    pick(request, view, strategy, masks) ?? (hard.length < masks.length && pick(request, view, strategy, hard))
  if (best === undefined || best === false) return { placed: false, refusals: refusalsOf(request, view, hard) }
  return { placed: true, node: view.node(best.slot)?.name ?? '', because: explain(request, view, strategy, best) }
}

interface Best {
  readonly slot: number
  readonly fits: number
}

/** The one loop whose speed counts: it reads every node, and calls nothing that this request does not need. */
function pick(
  request: PlacementRequest,
  view: ClusterView,
  strategy: Strategy,
  masks: readonly ConstraintMask[],
): Best | undefined {
  const base = view.baseRanks({ strategy: strategy.name, nanoCpus: request.nanoCpus, memoryBytes: request.memoryBytes })
  const siblings = view.tasksOf(request.serviceId)
  const perSibling = request.serviceId === undefined ? 0 : SIBLING_RANK[strategy.name]
  const isFree = rareChecks(request, view)
  let bestSlot = -1
  let bestRank = Number.POSITIVE_INFINITY
  let fits = 0
  search: for (const slot of view.slotsByName()) {
    const rank = (base[slot] ?? 0) + (siblings[slot] ?? 0) * perSibling
    if (rank === Number.POSITIVE_INFINITY) continue
    for (const { holds } of masks) if (holds[slot] !== 1) continue search
    if (isFree !== undefined && !isFree(slot)) continue
    fits++
    // At random: the n-th that fits replaces the choice with probability 1/n, so in the end each is as likely.
    const better = strategy.name === 'random' ? strategy.random.next() < 1 / fits : rank < bestRank
    if (!better) continue
    bestSlot = slot
    bestRank = rank
  }
  return bestSlot < 0 ? undefined : { slot: bestSlot, fits }
}

/** The checks that most requests do not need; undefined if this one needs none. */
function rareChecks(request: PlacementRequest, view: ClusterView): ((slot: number) => boolean) | undefined {
  const { hostPorts, replicasPerNodeMax = Number.POSITIVE_INFINITY, serviceId } = request
  const pins = request.volumes.flatMap(volume => view.volumeNode(volume) ?? [])
  if (hostPorts.length === 0 && replicasPerNodeMax === Number.POSITIVE_INFINITY && pins.length === 0) return undefined
  const siblings = view.tasksOf(serviceId)
  return slot =>
    (siblings[slot] ?? 0) < replicasPerNodeMax &&
    pins.every(node => view.node(slot)?.name === node) &&
    hostPorts.every(port => view.portConflict(slot, port) === undefined)
}

/** Why this node, for `why`: what it had that the others did not. */
function explain(request: PlacementRequest, view: ClusterView, strategy: Strategy, { slot, fits }: Best): string {
  const others = fits === 1 ? 'the only node that fits' : `best of ${fits} nodes that fit`
  const siblings = view.tasksOf(request.serviceId)[slot] ?? 0
  const containers = view.figures().containers[slot] ?? 0
  const service = request.serviceId === undefined ? '' : `${siblings} of this service and `
  return `${strategy.name}: ${others}, with ${service}${containers} containers`
}
