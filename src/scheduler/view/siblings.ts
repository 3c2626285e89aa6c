/** How many tasks of one service each node has. */
export interface Siblings {
  /** By slot; slots without any are left out. */
  readonly counts: ReadonlyMap<number, number>
  /** The fewest that any node of the cluster has, or less. */
  readonly least: number
}

interface Tally {
  readonly counts: Map<number, number>
  total: number
  /** The fewest, and how many nodes have as few; unknown after nodes came or went. */
  least: number
  atLeast: number
}

const NONE: Siblings = { counts: new Map(), least: 0 }

/** Tasks of every service by slot. Kept sparse: there may be as many services as nodes. */
export class ServiceSiblings {
  readonly #tallies = new Map<string, Tally>()

  account(serviceId: string, slot: number, change: 1 | -1): void {
    const tally = this.#tallies.get(serviceId) ?? { counts: new Map(), total: 0, least: 0, atLeast: 0 }
    const before = tally.counts.get(slot) ?? 0
    tally.total += change
    if (tally.total === 0) {
      this.#tallies.delete(serviceId)
      return
    }
    this.#tallies.set(serviceId, tally)
    if (before + change === 0) tally.counts.delete(slot)
    else tally.counts.set(slot, before + change)
    // The number of nodes at the least is only kept while it is growing less; anything else is counted when it is asked for.
    if (change === 1 && before === tally.least) tally.atLeast--
    else if (change === -1 && before + change <= tally.least) tally.atLeast = 0
  }

  /** `slots`: those of all nodes. */
  of(serviceId: string | undefined, slots: Int32Array): Siblings {
    const tally = serviceId === undefined ? undefined : this.#tallies.get(serviceId)
    if (tally === undefined) return NONE
    if (tally.counts.size < slots.length) return { counts: tally.counts, least: 0 }
    if (tally.atLeast <= 0) recount(tally, slots)
    return tally
  }

  nodesChanged(): void {
    for (const tally of this.#tallies.values()) tally.atLeast = 0
  }
}

function recount(tally: Tally, slots: Int32Array): void {
  tally.least = Number.MAX_SAFE_INTEGER
  for (const slot of slots) {
    const count = tally.counts.get(slot) ?? 0
    if (count < tally.least) {
      tally.least = count
      tally.atLeast = 0
    }
    if (count === tally.least) tally.atLeast++
  }
}
