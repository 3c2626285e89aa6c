import type { PlacementRecord } from '../core/model/explanation.ts'
import type { Strategy } from './rank.ts'
import { type Attempt, extraOf, scoreOf } from './score.ts'
import { findAny, findBest } from './search.ts'
import type { ClusterView } from './view/cluster-view.ts'

export interface Decision {
  readonly slot: number
  /** What the node was chosen by. */
  readonly attempt: Attempt
  /** No node grants all wishes, so that none of them counts. */
  readonly wishesDropped: boolean
}

/** Tries one after the other: the first with all wishes as demands, the next without. Undefined: no node will do. */
export function decide(view: ClusterView, attempts: readonly Attempt[], strategy: Strategy): Decision | undefined {
  for (const [index, attempt] of attempts.entries()) {
    const search = { ...attempt.search, extra: extraOf(attempt) }
    const slot = strategy.name === 'random' ? findAny(view, search, strategy.random) : findBest(view, search)
    if (slot !== undefined) return { slot, attempt, wishesDropped: index > 0 }
  }
  return undefined
}

const OTHERS_MAX = 3

/** What is worth keeping of a decision: bounded, and found without looking at every node. */
export function recordOf(view: ClusterView, { slot, attempt, wishesDropped }: Decision): PlacementRecord {
  const { search } = attempt
  const { strategy } = search.question
  const shown = (each: number) => ({ node: view.node(each)?.name ?? '', score: scoreOf(view, each, attempt) })
  const taken = new Set([slot])
  const isFree = (other: number): boolean => !taken.has(other) && search.isFree?.(other) !== false
  // At random nobody was second.
  const most = strategy === 'random' ? 0 : OTHERS_MAX
  while (taken.size <= most) {
    const next = findBest(view, { ...search, isFree, extra: extraOf(attempt) })
    if (next === undefined) break
    taken.add(next)
  }
  return {
    strategy,
    ...shown(slot),
    others: [...taken].slice(1).map(shown),
    nodes: view.slotsByName().length,
    ...(wishesDropped ? { wishesDropped } : {}),
  }
}

/** A decision in one line: what the node had that made it the best. */
export function reasonOf({ strategy, score, nodes, wishesDropped }: PlacementRecord): string {
  const { siblings, crowding, containers, cpuPercent, memoryPercent, missedWishes } = score
  const parts = [
    siblings === undefined ? undefined : `${siblings} of this service`,
    crowding === undefined ? undefined : `${crowding} of this service more in its group than where there are fewest`,
    cpuPercent === undefined ? undefined : `${cpuPercent}% of its CPUs`,
    memoryPercent === undefined ? undefined : `${memoryPercent}% of its memory`,
    missedWishes === undefined ? undefined : `${missedWishes} wishes not granted`,
    `${containers} ${containers === 1 ? 'container' : 'containers'}`,
  ].filter(part => part !== undefined)
  const last = parts.pop() ?? ''
  const with_ = parts.length === 0 ? last : `${parts.join(', ')} and ${last}`
  const among = nodes === 1 ? 'the only node' : `the best of ${nodes} nodes`
  return `${strategy}: ${among}, with ${with_}${wishesDropped === true ? '; no node grants all wishes' : ''}`
}
