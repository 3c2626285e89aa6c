import type { Clock, Timer } from '../../core/clock.ts'
import { KeyedLock } from '../../core/keyed-lock.ts'
import { mapParallel } from '../../core/parallel.ts'

export interface RereadsOptions {
  readonly clock: Clock
  /** What was marked is read after this long, in milliseconds, so that many reports in a row are one read. */
  readonly gatherMs: number
  readonly atOnce: number
  readonly read: (id: string) => Promise<void>
  /** A read that nobody waits for has failed. */
  readonly onFailure: (error: unknown) => void
}

/** Things that must be read anew: each one by one reader at a time, a few things at once, and never twice for what one read can tell. */
export class Rereads {
  readonly #options: RereadsOptions
  readonly #lock = new KeyedLock()
  readonly #marked = new Set<string>()
  /** Reads that have not begun: they will see everything that has happened until now. */
  readonly #queued = new Map<string, Promise<void>>()
  readonly #rounds = new Set<Promise<void>>()
  #timer: Timer | undefined

  constructor(options: RereadsOptions) {
    this.#options = options
  }

  /** How many things are known to be out of date. */
  get size(): number {
    return this.#marked.size
  }

  /** Whether {@link flush} would wait. */
  get isBusy(): boolean {
    return this.#marked.size > 0 || this.#rounds.size > 0
  }

  /** Has a thing read soon. */
  mark(id: string): void {
    this.#marked.add(id)
    this.#timer ??= this.#options.clock.setTimer(this.#options.gatherMs, () => void this.#round())
  }

  /** Reads a thing, beginning after this call. */
  read(id: string): Promise<void> {
    this.#marked.delete(id)
    const queued = this.#queued.get(id)
    if (queued !== undefined) return queued
    const done = this.#lock.run(id, () => {
      this.#queued.delete(id)
      return this.#options.read(id)
    })
    this.#queued.set(id, done)
    return done
  }

  /** Reads all that is marked now, and resolves when that is done, well or not. */
  async flush(): Promise<void> {
    if (this.#marked.size > 0) void this.#round()
    await Promise.all(this.#rounds)
  }

  /** Forgets what was marked. */
  clear(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#marked.clear()
  }

  #round(): Promise<void> {
    const { atOnce, onFailure } = this.#options
    const ids = [...this.#marked]
    this.clear()
    const round = mapParallel(ids, atOnce, id => this.read(id))
      .then(() => {}, onFailure)
      .finally(() => this.#rounds.delete(round))
    this.#rounds.add(round)
    return round
  }
}
