import type { Random } from '../../core/random.ts'
import type { Preferences, Reservation } from '../../scheduler/index.ts'
import type { Observations } from './observations.ts'

export type Strategy = 'spread' | 'binpack' | 'random'

export interface DecideOptions {
  readonly strategy: Strategy
  /** Share by which nodes are taken for larger than they are (classic Swarm's `swarm.overcommit`). */
  readonly overcommit: number
  /** What is wanted of placement beyond that. */
  readonly preferences?: Preferences
  /** How long after a node's lease has ended its tasks are replaced, in milliseconds. */
  readonly graceMs: number
  /** Ended tasks kept for each slot, besides the present one. */
  readonly historyPerSlot: number
}

export const DECIDE_DEFAULTS: DecideOptions = { strategy: 'spread', overcommit: 0, graceMs: 2_000, historyPerSlot: 1 }

/** Time, chance and identity of one decision. */
export interface Round {
  readonly nowMs: number
  readonly monotonicMs: number
  readonly random: Random
  /** Create revision of the election key while we lead. */
  readonly fencingToken: number
  readonly observations: Observations
  readonly options: DecideOptions
  /** What containers that belong to no task take up, by id; absent: nobody knows of any. */
  readonly standalone?: ReadonlyMap<string, Reservation>
}
