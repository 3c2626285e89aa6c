import type { Clock } from '../core/clock.ts'

/** What a machine takes for the time of day: it may jump, or be wrong. What it measures with is right all the same. */
export class WallClock {
  readonly #clock: Clock
  #aheadMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds; negative: it is behind. */
  jump(ms: number): void {
    this.#aheadMs += ms
  }

  /** The clock of everything on this machine. */
  view(): Clock {
    return {
      nowMs: () => this.#clock.nowMs() + this.#aheadMs,
      nowMicros: () => this.#clock.nowMicros() + this.#aheadMs * 1_000,
      monotonicMs: this.#clock.monotonicMs,
      setTimer: this.#clock.setTimer,
    }
  }
}
