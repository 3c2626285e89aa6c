import { setImmediate } from 'node:timers/promises'

/** About a millisecond of small file operations. */
const WORK_MAX = 64

/**
 * Lets the rest of the process have its turn in a long row of synchronous steps, such as copying ten thousand small files:
 * each is quick, but all of them together would keep everybody waiting.
 */
export class Pacer {
  #work = 0

  /** Counts a step; `weight` is how many small file operations it is worth. */
  async step(weight = 1): Promise<void> {
    this.#work += weight
    if (this.#work < WORK_MAX) return
    this.#work = 0
    await setImmediate()
  }
}
