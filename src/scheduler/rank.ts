import type { Random } from '../core/random.ts'

export type StrategyName = 'spread' | 'binpack' | 'random'

export type Strategy = Preferences &
  ({ readonly name: 'spread' | 'binpack' } | { readonly name: 'random'; readonly random: Random })

/** Where a cluster's operator wants more than classic Swarm does. */
export interface Preferences {
  /**
   * Wishes (`storage==~ssd`). `drop`, classic Swarm's way and the default: all of them are demands, or none if no node
   * meets all. `score`: the node that meets the most wins.
   */
  readonly wishes?: 'drop' | 'score'
  /** A node that lacks the image counts as having this many more containers, or as being as many percent fuller. Default: 0. */
  readonly imageLocality?: number
  /** A named volume is preferred where it is, or must stay there. Default: it is not looked for. */
  readonly volumeLocality?: 'prefer' | 'require'
}

/** Weight of full health, in classic Swarm's formula: it dwarfs the resource scores. */
const HEALTH_FACTOR = 10
/** More than any weight, and than any number of containers on a node, so that a rank is one number. */
const WEIGHT_SPAN = 4_096
const CONTAINER_SPAN = 2 ** 20
const SIBLING_SPAN = 2 ** 16

/** One resource in classic Swarm's weight: percent used once the container is there, 100 if it is not asked for. */
export function resourceScore(wanted: number, used: number, total: number): number {
  return wanted > 0 ? Math.floor(((used + wanted) * 100) / total) : 100
}

/** What a rank is made of. */
export interface Standing {
  /** Classic Swarm's weight without health: the sum of both resource scores. */
  readonly score: number
  /** 0 to 100. */
  readonly health: number
  readonly containers: number
}

/**
 * How good a node is without the tasks of the same service: less is better. {@link SIBLING_RANK} is added for each of
 * those. With equal ranks the first by name wins.
 *
 * Spread: fewest tasks of the same service, then classic Swarm's order (strategy/weighted_node.go: least weight, then
 * fewest containers): without the first, replicas of a small service may share the emptiest node and die with it.
 * Binpack: classic Swarm's greatest weight first, since packing was asked for; of equals the one with fewer tasks of the
 * service, then most containers. Health makes a node better in both.
 */
export function rankOf(name: 'spread' | 'binpack', { score, health, containers }: Standing): number {
  const few = Math.min(containers, CONTAINER_SPAN - 1)
  if (name === 'spread') return (score - HEALTH_FACTOR * health + 1_024) * CONTAINER_SPAN + few
  const weight = score + HEALTH_FACTOR * health
  return (WEIGHT_SPAN - 1 - weight) * SIBLING_SPAN * CONTAINER_SPAN + (CONTAINER_SPAN - 1 - few)
}

/** What each wish that a node does not grant adds: more than any rank. */
export const WISH_RANK = 2 ** 48
/** More wishes than this are not told apart, so that ranks stay exact. */
export const WISHES_MAX = 15

/** What one container more, or one percent more for a request with a size, adds to a node's rank. */
export function fullnessRank(name: StrategyName, isSized: boolean): number {
  if (name === 'random' || !isSized) return 1
  return name === 'spread' ? CONTAINER_SPAN : SIBLING_SPAN * CONTAINER_SPAN
}

/** What each task of the same service adds to a node's rank. */
export const SIBLING_RANK = { spread: WEIGHT_SPAN * CONTAINER_SPAN, binpack: CONTAINER_SPAN, random: 0 } as const
