import type { Clock, Timer } from './clock.ts'

interface Pending {
  readonly dueMs: number
  readonly order: number
  readonly run: () => void
}

/**
 * A clock that stands still until told to move: for tests and the simulator.
 *
 * Timers that are due at the same instant fire in the order in which they were set, so a run is repeatable.
 */
export class ManualClock implements Clock {
  #now: number
  readonly #startMs: number
  #order = 0
  readonly #pending = new Set<Pending>()

  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs
    this.#now = startMs
  }

  readonly nowMs = (): number => this.#now
  readonly nowMicros = (): number => Math.round(this.#now * 1_000)
  readonly monotonicMs = (): number => this.#now - this.#startMs

  readonly setTimer = (delayMs: number, run: () => void): Timer => {
    const pending = { dueMs: this.#now + Math.max(0, delayMs), order: this.#order++, run }
    this.#pending.add(pending)
    return { cancel: () => void this.#pending.delete(pending) }
  }

  /** When the next timer is due; undefined if none is set. */
  nextDueMs(): number | undefined {
    return this.#next()?.dueMs
  }

  /** Moves to the next timer and fires it; false if there is none. */
  step(): boolean {
    const next = this.#next()
    if (next === undefined) return false
    this.#pending.delete(next)
    this.#now = Math.max(this.#now, next.dueMs)
    next.run()
    return true
  }

  /** Moves forward by `ms`, firing what falls due, with a turn of the event loop after each timer. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settle()
    for (let next = this.#next(); next !== undefined && next.dueMs <= until; next = this.#next()) {
      this.step()
      await settle()
    }
    this.#now = until
  }

  #next(): Pending | undefined {
    let first: Pending | undefined
    for (const pending of this.#pending) {
      if (
        first === undefined ||
        pending.dueMs < first.dueMs ||
        (pending.dueMs === first.dueMs && pending.order < first.order)
      )
        first = pending
    }
    return first
  }
}

/** Lets every promise callback that is ready run, and those they make ready. */
export function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
