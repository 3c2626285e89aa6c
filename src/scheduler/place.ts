import type { PlacementRecord } from '../core/model/explanation.ts'
import { crowdingOf } from './crowding.ts'
import { decide, recordOf } from './decision.ts'
import type { PlacementRequest } from './node.ts'
import type { Strategy } from './rank.ts'
import { type Refusal, refusalsOf } from './refusals.ts'
import { type Attempt, withWishes } from './score.ts'
import type { ClusterView } from './view/cluster-view.ts'
import type { ConstraintMask } from './view/constraint-masks.ts'

export type Placement =
  | { readonly placed: true; readonly node: string; readonly record: () => PlacementRecord }
  | { readonly placed: false; readonly refusals: readonly Refusal[] }

/**
 * Chooses a node for a task. Decides only: what was chosen takes up room once `view.reserve` is called, and the record must be
 * asked for before.
 *
 * The same view and request give the same node. Soft constraints are tried first and, if that leaves no node, dropped
 * together, unless the strategy makes scores of them. If no node fits, every node says everything that is in the way there.
 */
export function place(request: PlacementRequest, view: ClusterView, strategy: Strategy): Placement {
  const attempts = attemptsOf(request, view, strategy)
  const decision = decide(view, attempts, strategy)
  if (decision === undefined) {
    return { placed: false, refusals: refusalsOf(request, view, attempts.at(-1)?.search.masks ?? []) }
  }
  const node = view.node(decision.slot)?.name ?? ''
  return { placed: true, node, record: () => recordOf(view, decision) }
}

/** How a node is looked for: with all wishes, then without. */
export function attemptsOf(request: PlacementRequest, view: ClusterView, strategy: Strategy): readonly Attempt[] {
  const all = request.constraints.map(expression => view.mask(expression))
  const attempt = (masks: readonly ConstraintMask[], wishes: readonly ConstraintMask[]): Attempt => ({
    search: {
      question: { strategy: strategy.name, nanoCpus: request.nanoCpus, memoryBytes: request.memoryBytes },
      masks,
      ...rareChecks(request, view),
    },
    preferred: {
      ...(request.serviceId === undefined ? {} : { siblings: view.siblings(request.serviceId) }),
      ...crowdingOf(request, view, masks),
      wishes: wishes.map(
        ({ holds }) =>
          slot =>
            holds[slot] === 1,
      ),
    },
  })
  return withWishes(all, { isSoft: ({ constraint }) => constraint.soft, strategy }, attempt)
}

/** The checks that most requests do not need. */
function rareChecks(request: PlacementRequest, view: ClusterView): Pick<Attempt['search'], 'only' | 'isFree'> {
  const { hostPorts, replicasPerNodeMax = Number.POSITIVE_INFINITY, serviceId } = request
  const pins = new Set(request.volumes.flatMap(volume => view.volumeNode(volume) ?? []))
  const only = pins.size === 0 ? {} : { only: pins.size > 1 ? [] : [...pins].flatMap(node => view.slotOf(node) ?? []) }
  if (hostPorts.length === 0 && replicasPerNodeMax === Number.POSITIVE_INFINITY) return only
  const { counts } = view.siblings(serviceId)
  const isFree = (slot: number): boolean =>
    (counts.get(slot) ?? 0) < replicasPerNodeMax && hostPorts.every(port => view.portConflict(slot, port) === undefined)
  return { ...only, isFree }
}
