import type { Clock } from '../../core/clock.ts'
import type { Inventory } from '../inventory/index.ts'
import type { NodePresence } from './plan-reschedules.ts'

/** As long as tasks wait for a node whose lease has ended. */
const GRACE_MS = 2_000
/** A node that this manager never saw may be about to register: when power returns, one is always the first. */
const UNSEEN_MS = 30_000

/** Judges nodes for one term: when one that does not answer is given up. */
export class NodePresences {
  readonly #inventory: Inventory
  readonly #clock: Clock
  /** When a node was first found not to be a member, on the monotonic clock. */
  readonly #absentSinceMs = new Map<string, number>()

  constructor(inventory: Inventory, clock: Clock) {
    this.#inventory = inventory
    this.#clock = clock
  }

  /** A node that is a member and does not answer is unclear for as long as it likes: what it has may well run. */
  readonly of = (name: string): NodePresence => {
    const condition = this.#inventory.node(name)?.condition
    if (condition !== undefined && condition !== 'down') {
      this.#absentSinceMs.delete(name)
      return condition === 'live' ? 'live' : 'unclear'
    }
    const nowMs = this.#clock.monotonicMs()
    const sinceMs = this.#absentSinceMs.get(name) ?? nowMs
    this.#absentSinceMs.set(name, sinceMs)
    return nowMs - sinceMs >= (condition === 'down' ? GRACE_MS : UNSEEN_MS) ? 'down' : 'unclear'
  }
}
