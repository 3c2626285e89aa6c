import type { Random } from '../core/random.ts'
import { pickIndex } from '../core/random.ts'
import type { ClusterView } from './view/cluster-view.ts'
import type { ConstraintMask } from './view/constraint-masks.ts'
import type { RankQuestion } from './view/rankings.ts'

/** What a node must be, and what makes one better than another. */
export interface Search {
  readonly question: RankQuestion
  /** All of them hold. */
  readonly masks: readonly ConstraintMask[]
  /** Slots besides which none comes into question. */
  readonly only?: Iterable<number> | undefined
  /** Whatever else must hold. */
  readonly isFree?: ((slot: number) => boolean) | undefined
  /** What is added to a node's rank. */
  readonly extra?: Extra | undefined
}

/** Never negative, and nowhere less than `least`. */
export interface Extra {
  readonly of: (slot: number) => number
  readonly least: number
}

/** A constraint that holds on this share of the nodes is looked at node by node, and needs no ranking of its own. */
const RARE_SHARE = 32
/** After this many good nodes that will not do, all are looked at: that costs less than to go on in order. */
const TRIES = 24
const RANDOM_TRIES = 32

/**
 * The slot of the best node; undefined if none will do. Of equals the first by name, so that the answer depends on nothing
 * but the cluster. Looks at as few nodes as it can: mostly one.
 */
export function findBest(view: ClusterView, search: Search): number | undefined {
  const { question, masks, only, isFree, extra } = search
  const slots = only ?? rareSlots(view, masks)
  if (slots !== undefined) return bestAmong(slots, view, search)
  const best = new Best(view, extra)
  const isSettled = view
    .ranking(question, masks)
    .search((slot, rank) => best.isBeyondReach(rank) || (isFree?.(slot) !== false && best.take(slot, rank)), TRIES)
  return isSettled ? best.slot : bestAmong(view.slotsByName(), view, search)
}

/** The slots where the rarest constraint holds, if they are few. */
function rareSlots(view: ClusterView, masks: readonly ConstraintMask[]): number[] | undefined {
  let rarest: ConstraintMask | undefined
  for (const mask of masks) if (rarest === undefined || mask.count < rarest.count) rarest = mask
  const slots = view.slotsByName()
  if (rarest === undefined || rarest.count * RARE_SHARE > slots.length) return undefined
  const { holds } = rarest
  const found: number[] = []
  for (let slot = holds.indexOf(1); slot >= 0; slot = holds.indexOf(1, slot + 1)) found.push(slot)
  return found
}

function bestAmong(
  slots: Iterable<number>,
  view: ClusterView,
  { question, masks, isFree, extra }: Search,
): number | undefined {
  const { ranks } = view.ranking(question, [])
  const best = new Best(view, extra)
  search: for (const slot of slots) {
    const rank = ranks[slot] ?? Number.POSITIVE_INFINITY
    if (rank === Number.POSITIVE_INFINITY || best.isBeyondReach(rank)) continue
    for (const { holds } of masks) if (holds[slot] !== 1) continue search
    if (isFree?.(slot) !== false) best.take(slot, rank)
  }
  return best.slot
}

class Best {
  readonly #view: ClusterView
  readonly #extra: Extra | undefined
  #rank = Number.POSITIVE_INFINITY
  slot: number | undefined

  constructor(view: ClusterView, extra: Extra | undefined) {
    this.#view = view
    this.#extra = extra
  }

  /** Whether no node of this rank, or a worse one, can be better than the best so far. */
  isBeyondReach(rank: number): boolean {
    return rank + (this.#extra?.least ?? 0) > this.#rank
  }

  /** True if nothing can be better that comes later in the order of ranks and, among equals, of names. */
  take(slot: number, rank: number): boolean {
    const total = rank + (this.#extra?.of(slot) ?? 0)
    const isBetter = total < this.#rank || (total === this.#rank && this.#isBefore(slot))
    if (isBetter) {
      this.#rank = total
      this.slot = slot
    }
    return total === rank + (this.#extra?.least ?? 0)
  }

  #isBefore(slot: number): boolean {
    return this.slot === undefined || this.#view.placeOf(slot) < this.#view.placeOf(this.slot)
  }
}

/** Any of the nodes that will do, each as likely as another. */
export function findAny(view: ClusterView, search: Search, random: Random): number | undefined {
  const { question, masks, only, isFree } = search
  const { ranks } = view.ranking(question, [])
  const fits = (slot: number): boolean =>
    ranks[slot] !== Number.POSITIVE_INFINITY &&
    masks.every(({ holds }) => holds[slot] === 1) &&
    isFree?.(slot) !== false
  const slots = only === undefined ? view.slotsByName() : Int32Array.from(only)
  // Most nodes will do for most requests: those that do not are drawn again.
  for (let tries = 0; slots.length > 0 && tries < RANDOM_TRIES; tries++) {
    const slot = slots[pickIndex(random, slots.length)] ?? 0
    if (fits(slot)) return slot
  }
  const fitting = slots.filter(fits)
  return fitting[pickIndex(random, fitting.length)]
}
