import type { Figures } from './figures.ts'
import { rankOf, resourceScore } from './rank.ts'

/** What makes base ranks differ, besides the nodes. */
export interface RankQuestion {
  readonly strategy: 'spread' | 'binpack' | 'random'
  readonly nanoCpus: number
  readonly memoryBytes: number
}

interface Cache {
  readonly ranks: Float64Array
  /** How much of the log of changes is in it. */
  seen: number
}

const CACHES_MAX = 64
const LOG_MAX = 65_536

/**
 * The rank of every node without the service's own tasks, remembered for each size of request. One placement changes one
 * node, so the next of the same size has one rank to compute and the rest to compare.
 */
export class BaseRanks {
  readonly #caches = new Map<string, Cache>()
  readonly #log: number[] = []

  /** Says that a node's figures changed. */
  touch(slot: number): void {
    if (this.#caches.size === 0) return
    this.#log.push(slot)
    if (this.#log.length > LOG_MAX) this.#clear()
  }

  /** By slot; infinite where the node takes nothing or has too little left. */
  of(question: RankQuestion, figures: Figures): Float64Array {
    const cache = this.#cache(question, figures)
    for (; cache.seen < this.#log.length; cache.seen++) {
      const slot = this.#log[cache.seen] ?? 0
      cache.ranks[slot] = baseRank(question, figures, slot)
    }
    return cache.ranks
  }

  #cache(question: RankQuestion, figures: Figures): Cache {
    const key = `${question.strategy} ${question.nanoCpus} ${question.memoryBytes}`
    const known = this.#caches.get(key)
    if (known?.ranks.length === figures.size) return known
    if (this.#caches.size >= CACHES_MAX) this.#clear()
    const ranks = new Float64Array(figures.size)
    for (let slot = 0; slot < figures.size; slot++) ranks[slot] = baseRank(question, figures, slot)
    const cache = { ranks, seen: this.#log.length }
    this.#caches.set(key, cache)
    return cache
  }

  #clear(): void {
    this.#caches.clear()
    this.#log.length = 0
  }
}

function baseRank({ strategy, nanoCpus, memoryBytes }: RankQuestion, figures: Figures, slot: number): number {
  const totalCpus = figures.totalCpus[slot] ?? 0
  const totalMemory = figures.totalMemory[slot] ?? 0
  const usedCpus = figures.usedCpus[slot] ?? 0
  const usedMemory = figures.usedMemory[slot] ?? 0
  if (figures.open[slot] !== 1) return Number.POSITIVE_INFINITY
  if (nanoCpus > 0 && usedCpus + nanoCpus > totalCpus) return Number.POSITIVE_INFINITY
  if (memoryBytes > 0 && usedMemory + memoryBytes > totalMemory) return Number.POSITIVE_INFINITY
  if (strategy === 'random') return 0
  return rankOf(strategy, {
    score: resourceScore(nanoCpus, usedCpus, totalCpus) + resourceScore(memoryBytes, usedMemory, totalMemory),
    health: figures.health[slot] ?? 0,
    containers: figures.containers[slot] ?? 0,
  })
}
