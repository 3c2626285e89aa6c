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

/** The slots of nodes; those that have just left are left out. */
export function slotsOf(names: Iterable<string>, view: ClusterView): readonly number[] {
  const slots: number[] = []
  for (const name of names) {
    const slot = view.slotOf(name)
    if (slot !== undefined) slots.push(slot)
  }
  return slots
}

/** That a node is among some, or that it is not. */
export function amongNodes(
  names: Iterable<string>,
  view: ClusterView,
  { equal, soft, obstacle }: { readonly equal: boolean; readonly soft: boolean; readonly obstacle: Obstacle },
): Demand {
  const slots = slotsOf(names, view)
  const among = new Set(slots)
  return {
    soft,
    holds: slot => among.has(slot) === equal,
    obstacles: () => [obstacle],
    ...(equal ? { only: slots } : {}),
  }
}
