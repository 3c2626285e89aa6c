import { rankOf, resourceScore, type StrategyName } from '../rank.ts'
import type { ConstraintMask } from './constraint-masks.ts'
import type { Figures } from './figures.ts'
import { RankTree } from './rank-tree.ts'

/** What makes ranks differ, besides the nodes. */
export interface RankQuestion {
  readonly strategy: StrategyName
  readonly nanoCpus: number
  readonly memoryBytes: number
}

interface Ranking {
  readonly tree: RankTree
  /** How much of the log of changes is in it. */
  seen: number
}

/** What ranks are computed from. */
export interface Standings {
  readonly figures: Readonly<Figures>
  /** Places of the slots by name. */
  readonly order: Int32Array
}

const RANKINGS_MAX = 64
const LOG_MAX = 65_536

/**
 * The rankings that were asked for lately, one for each size of request and list of constraints. One placement changes one
 * node, so the next of the same kind finds all ranks but one as it left them.
 */
export class Rankings {
  /** The one used last is the last. */
  readonly #known = new Map<string, Ranking>()
  readonly #log: number[] = []

  /** Says that something about the node in this slot changed. */
  touch(slot: number): void {
    if (this.#known.size === 0) return
    this.#log.push(slot)
    if (this.#log.length > LOG_MAX) this.clear()
  }

  /** All nodes without regard to the tasks of the same service; infinite where a node cannot or must not take the request. */
  of(question: RankQuestion, masks: readonly ConstraintMask[], standings: Standings): RankTree {
    const key = keyOf(question, masks)
    const known = this.#known.get(key)
    this.#known.delete(key)
    const rank = ranker(question, masks, standings.figures)
    const ranking = known !== undefined && this.#isNear(known) ? known : build(rank, standings)
    const { tree } = ranking
    tree.order = standings.order
    if (ranking === known) {
      for (; ranking.seen < this.#log.length; ranking.seen++) {
        const slot = this.#log[ranking.seen] ?? 0
        tree.ranks[slot] = rank(slot)
        tree.update(slot)
      }
    }
    ranking.seen = this.#log.length
    this.#known.set(key, ranking)
    const [oldest] = this.#known.keys()
    if (this.#known.size > RANKINGS_MAX && oldest !== undefined) this.#known.delete(oldest)
    return tree
  }

  /** For when slots are added: ranks of another length are of no use. */
  clear(): void {
    this.#known.clear()
    this.#log.length = 0
  }

  /** Beyond this many changes a new ranking costs less than an old one brought up to date. */
  #isNear({ seen, tree }: Ranking): boolean {
    return this.#log.length - seen < tree.ranks.length / 4
  }
}

function keyOf({ strategy, nanoCpus, memoryBytes }: RankQuestion, masks: readonly ConstraintMask[]): string {
  const size = `${strategy} ${nanoCpus} ${memoryBytes}`
  return masks.length === 0 ? size : JSON.stringify([size, ...masks.map(({ constraint }) => constraint.expression)])
}

function build(rank: (slot: number) => number, { figures, order }: Standings): Ranking {
  const ranks = new Float64Array(figures.size)
  for (let slot = 0; slot < figures.size; slot++) ranks[slot] = rank(slot)
  return { tree: new RankTree(ranks, order), seen: 0 }
}

function ranker(
  { strategy, nanoCpus, memoryBytes }: RankQuestion,
  masks: readonly ConstraintMask[],
  figures: Readonly<Figures>,
): (slot: number) => number {
  const { open, totalCpus, totalMemory, usedCpus, usedMemory, health, containers } = figures
  return slot => {
    if (open[slot] !== 1) return Number.POSITIVE_INFINITY
    for (const { holds } of masks) if (holds[slot] !== 1) return Number.POSITIVE_INFINITY
    const cpus = scoreIfFree(nanoCpus, usedCpus[slot] ?? 0, totalCpus[slot] ?? 0)
    const memory = scoreIfFree(memoryBytes, usedMemory[slot] ?? 0, totalMemory[slot] ?? 0)
    const score = cpus + memory
    if (score === Number.POSITIVE_INFINITY) return score
    if (strategy === 'random') return 0
    return rankOf(strategy, { score, health: health[slot] ?? 0, containers: containers[slot] ?? 0 })
  }
}

/** Unlike in classic Swarm the last part of a percent is not given away: 100.9 % of a node is too much. */
function scoreIfFree(wanted: number, used: number, total: number): number {
  return wanted > 0 && used + wanted > total ? Number.POSITIVE_INFINITY : resourceScore(wanted, used, total)
}
