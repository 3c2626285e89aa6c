import type { ScoreParts } from '../core/model/explanation.ts'
import { fullnessRank, resourceScore, SIBLING_RANK, type Strategy, WISH_RANK, WISHES_MAX } from './rank.ts'
import type { Extra, Search } from './search.ts'
import type { ClusterView } from './view/cluster-view.ts'
import type { Siblings } from './view/siblings.ts'

/** What makes a node good for one request, besides its base rank. */
export interface Preferred {
  /** Of the same service; absent for containers that are created one by one. */
  readonly siblings?: Siblings
  /** How many more tasks of the service the node's group has than the one with the fewest; absent: there are no groups. */
  readonly crowding?: (slot: number) => number
  /** Wishes that count as scores: whether a node grants each. */
  readonly wishes?: readonly ((slot: number) => boolean)[]
  /** Whether a node has the image, and for how many containers or percent that counts; absent: it does not matter. */
  readonly image?: { readonly isOn: (slot: number) => boolean; readonly weight: number }
}

/** One way to choose a node: what must hold, and what is preferred. */
export interface Attempt {
  readonly search: Omit<Search, 'extra'>
  readonly preferred: Preferred
}

/** How a node is looked for: with all wishes taken for demands, then without any, unless the strategy makes scores of them. */
export function withWishes<T>(
  all: readonly T[],
  { isSoft, strategy }: { readonly isSoft: (one: T) => boolean; readonly strategy: Strategy },
  attempt: (demands: readonly T[], wishes: readonly T[]) => Attempt,
): readonly Attempt[] {
  const hard = all.filter(one => !isSoft(one))
  if (hard.length === all.length) return [attempt(all, [])]
  return strategy.wishes === 'score' ? [attempt(hard, all.filter(isSoft))] : [attempt(all, []), attempt(hard, [])]
}

/** What the preferences add to ranks; undefined: nothing. */
export function extraOf({ search, preferred }: Attempt): Extra | undefined {
  const { siblings, wishes = [], image, crowding } = preferred
  const siblingRank = SIBLING_RANK[search.question.strategy]
  const counts = siblingRank === 0 || siblings?.counts.size === 0 ? undefined : siblings?.counts
  if (counts === undefined && wishes.length === 0 && image === undefined && crowding === undefined) return undefined
  const imageRank = image === undefined ? 0 : image.weight * unitRank(search)
  return {
    least: counts === undefined ? 0 : (siblings?.least ?? 0) * siblingRank,
    of: slot =>
      (counts?.get(slot) ?? 0) * siblingRank +
      Math.min(missedWishes(wishes, slot) + (crowding?.(slot) ?? 0), WISHES_MAX) * WISH_RANK +
      (image === undefined || image.isOn(slot) ? 0 : imageRank),
  }
}

function unitRank({ question }: Attempt['search']): number {
  const { strategy, nanoCpus, memoryBytes } = question
  return fullnessRank(strategy, nanoCpus > 0 || memoryBytes > 0)
}

function missedWishes(wishes: NonNullable<Preferred['wishes']>, slot: number): number {
  let missed = 0
  for (const isGranted of wishes) if (!isGranted(slot)) missed++
  return Math.min(missed, WISHES_MAX)
}

/** The parts of one node's rank. */
export function scoreOf(view: ClusterView, slot: number, attempt: Attempt): ScoreParts {
  const { strategy, nanoCpus, memoryBytes } = attempt.search.question
  const { totalCpus, usedCpus, totalMemory, usedMemory, health, containers } = view.figures()
  const base = view.ranking(attempt.search.question, []).ranks[slot] ?? 0
  const cpuPercent = resourceScore(nanoCpus, usedCpus[slot] ?? 0, totalCpus[slot] ?? 0)
  const memoryPercent = resourceScore(memoryBytes, usedMemory[slot] ?? 0, totalMemory[slot] ?? 0)
  return {
    ...(nanoCpus > 0 ? { cpuPercent } : {}),
    ...(memoryBytes > 0 ? { memoryPercent } : {}),
    health: health[slot] ?? 0,
    containers: containers[slot] ?? 0,
    ...preferredParts(attempt, slot),
    rank: strategy === 'random' ? 0 : base + (extraOf(attempt)?.of(slot) ?? 0),
  }
}

function preferredParts({ preferred }: Attempt, slot: number): Partial<ScoreParts> {
  const { siblings, wishes = [], image, crowding } = preferred
  return {
    ...(siblings === undefined ? {} : { siblings: siblings.counts.get(slot) ?? 0 }),
    ...(crowding === undefined ? {} : { crowding: crowding(slot) }),
    ...(wishes.length === 0 ? {} : { missedWishes: missedWishes(wishes, slot) }),
    ...(image !== undefined && !image.isOn(slot) ? { lacksImage: true } : {}),
  }
}
