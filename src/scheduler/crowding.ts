import { candidatesOf } from './constraint.ts'
import type { PlacementRequest } from './node.ts'
import type { Preferred } from './score.ts'
import type { ClusterView } from './view/cluster-view.ts'
import type { ConstraintMask } from './view/constraint-masks.ts'

/**
 * How full the groups are into which `spreadOver` parts the nodes that come into question: nodes with the same value are one group,
 * and so are those without any. Looks at every node, for services that ask for it alone.
 */
export function crowdingOf(
  { spreadOver, serviceId }: PlacementRequest,
  view: ClusterView,
  masks: readonly ConstraintMask[],
): Pick<Preferred, 'crowding'> {
  if (spreadOver === undefined || serviceId === undefined) return {}
  const values = candidatesOf(spreadOver)
  const { counts } = view.siblings(serviceId)
  const { open } = view.figures()
  const groups = new Map<string, number>()
  const groupOf = new Map<number, string>()
  for (const slot of view.slotsByName()) {
    const node = view.node(slot)
    if (node === undefined || open[slot] !== 1 || masks.some(({ holds }) => holds[slot] !== 1)) continue
    const group = values(node)[0] ?? ''
    groupOf.set(slot, group)
    groups.set(group, (groups.get(group) ?? 0) + (counts.get(slot) ?? 0))
  }
  const fewest = Math.min(...groups.values())
  return { crowding: slot => (groups.get(groupOf.get(slot) ?? '') ?? fewest) - fewest }
}
