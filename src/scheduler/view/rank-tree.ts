/** Takes the next best slot, or says that no more are wanted by answering true. */
export type Visit = (slot: number, rank: number) => boolean

/**
 * A tournament over the slots of a cluster: the best is known at once, one changed rank costs the height of the tree, and
 * the next best are found without looking at the others. Less is better; of equals the first in `order` wins.
 */
export class RankTree {
  /** By slot. Whoever changes one calls {@link update} next. */
  readonly ranks: Float64Array
  /** Place of each slot when nodes are sorted by name. May be replaced as long as slots in use keep their sequence. */
  order: Int32Array
  readonly #leaves: number
  /** The best slot below each node of the tree; the children of `i` are `2i` and `2i + 1`, slots begin at `leaves`. */
  readonly #winners: Int32Array

  /** `ranks.length` is a power of two. */
  constructor(ranks: Float64Array, order: Int32Array) {
    this.ranks = ranks
    this.order = order
    this.#leaves = ranks.length
    this.#winners = new Int32Array(this.#leaves * 2)
    for (let slot = 0; slot < this.#leaves; slot++) this.#winners[this.#leaves + slot] = slot
    for (let at = this.#leaves - 1; at > 0; at--) this.#winners[at] = this.#winnerBelow(at)
  }

  update(slot: number): void {
    for (let at = (this.#leaves + slot) >> 1; at > 0; at >>= 1) {
      const before = this.#winners[at]
      const winner = this.#winnerBelow(at)
      // Won by another before and after: nothing above can have changed.
      if (before === winner && winner !== slot) return
      this.#winners[at] = winner
    }
  }

  /** Shows slots of finite rank, the best first, until `visit` has enough. False if it had not after `most` of them. */
  search(visit: Visit, most: number): boolean {
    const open = [1]
    for (let shown = 0; open.length > 0; shown++) {
      let at = takeBest(open, this.#isBetter)
      const slot = this.#winners[at] ?? 0
      const rank = this.ranks[slot] ?? Number.POSITIVE_INFINITY
      if (rank === Number.POSITIVE_INFINITY || visit(slot, rank)) return true
      if (shown === most) return false
      // What is left of this subtree: all that lost to the slot on its way up.
      while (at < this.#leaves) {
        const left = at * 2
        const isLeft = this.#winners[left] === slot
        put(open, isLeft ? left + 1 : left, this.#isBetter)
        at = isLeft ? left : left + 1
      }
    }
    return true
  }

  #winnerBelow(at: number): number {
    const left = this.#winners[at * 2] ?? 0
    const right = this.#winners[at * 2 + 1] ?? 0
    return this.#comesFirst(right, left) ? right : left
  }

  readonly #isBetter = (a: number, b: number): boolean => this.#comesFirst(this.#winners[a] ?? 0, this.#winners[b] ?? 0)

  #comesFirst(a: number, b: number): boolean {
    const rankA = this.ranks[a] ?? 0
    const rankB = this.ranks[b] ?? 0
    return rankA === rankB ? (this.order[a] ?? 0) < (this.order[b] ?? 0) : rankA < rankB
  }
}

type Compare = (a: number, b: number) => boolean

/** Puts an item into a binary heap. */
function put(heap: number[], item: number, isBetter: Compare): void {
  let at = heap.push(item) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent] ?? 0
    if (!isBetter(item, above)) break
    heap[at] = above
    at = parent
  }
  heap[at] = item
}

function takeBest(heap: number[], isBetter: Compare): number {
  const best = heap[0] ?? 0
  const last = heap.pop() ?? 0
  let at = 0
  for (let child = 1; child < heap.length; child = at * 2 + 1) {
    if (child + 1 < heap.length && isBetter(heap[child + 1] ?? 0, heap[child] ?? 0)) child++
    const below = heap[child] ?? 0
    if (!isBetter(below, last)) break
    heap[at] = below
    at = child
  }
  if (heap.length > 0) heap[at] = last
  return best
}
