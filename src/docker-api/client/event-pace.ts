import { type Clock, sleep } from '../../core/clock.ts'

/** A busy host tells some hundred events a second for a while, and a very busy one some thousand at once. */
const BURST = 5_000
const PER_SECOND = 500

/**
 * How fast an engine's events are read. One that tells them without end is read at its leisure: the rest waits on its side of the
 * connection, where it costs us neither memory nor time.
 */
export class EventPace {
  readonly #clock: Clock
  #left = BURST
  #countedMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#countedMs = clock.monotonicMs()
  }

  /** Counts an event; true if it is one too many for now. */
  isTooFast(): boolean {
    const nowMs = this.#clock.monotonicMs()
    this.#left = Math.min(BURST, this.#left + ((nowMs - this.#countedMs) * PER_SECOND) / 1_000) - 1
    this.#countedMs = nowMs
    return this.#left < 0
  }

  /** Whether that was so lately. */
  get isBehind(): boolean {
    return this.#left < BURST / 2
  }

  /** Until the next second's worth may be read. */
  pause(signal: AbortSignal): Promise<void> {
    return sleep(this.#clock, 1_000, signal)
  }
}
