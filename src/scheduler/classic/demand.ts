import type { Obstacle } from '../../core/model/explanation.ts'
import type { ClusterView } from '../view/cluster-view.ts'
import type { ConstraintMask } from '../view/constraint-masks.ts'

/** One thing that a container asks of its node. */
export interface Demand {
  /** A wish, written with `~`. */
  readonly soft: boolean
  readonly holds: (slot: number) => boolean
  /** What is in the way where it does not hold. */
  readonly obstacles: (slot: number) => readonly Obstacle[]
  /** The same, judged for all nodes beforehand. */
  readonly mask?: ConstraintMask
  /** The slots where it holds, if they are known without looking at every node. */
  readonly only?: readonly number[]
}

/** Names of nodes: a set, or a map from them. */
export interface NodeNames {
  readonly size: number
  readonly has: (name: string) => boolean
  readonly keys: () => Iterable<string>
}

/** With more than this, to look at them all is no better than to look at the best. */
const FEW = 64

/** That a node is among some, or that it is not. */
export function amongNodes(
  names: NodeNames,
  view: ClusterView,
  { equal, soft, obstacle }: { readonly equal: boolean; readonly soft: boolean; readonly obstacle: Obstacle },
): Demand {
  return {
    soft,
    holds: slot => names.has(view.node(slot)?.name ?? '') === equal,
    obstacles: () => [obstacle],
    ...(equal && names.size <= FEW ? { only: slotsOf(names.keys(), view) } : {}),
  }
}

/** The slots of nodes; those that have just left are left out. */
function slotsOf(names: Iterable<string>, view: ClusterView): readonly number[] {
  const slots: number[] = []
  for (const name of names) {
    const slot = view.slotOf(name)
    if (slot !== undefined) slots.push(slot)
  }
  return slots
}
