import type { Clock, Timer } from '../../core/clock.ts'
import { failed } from '../../core/errors.ts'
import type { EngineEvent, EventOptions } from '../../docker-api/index.ts'
import { matchesEvent } from './event-filters.ts'

/** Events kept: for who asks for the past, and for readers that are behind. */
const KEPT_MAX = 4_096
/** How often readers that are too far behind are looked for, in events. */
const SWEEP_EVERY = 256
/** So many readers are told at once; more are told together a little later, with all that has happened by then. */
const TOLD_AT_ONCE_MAX = 32
const GATHER_MS = 50

/** All that a reader costs: where it is, not what it has yet to read. */
interface Reader {
  sequence: number
  readonly onLost: () => void
  wake: () => void
}

/**
 * Tells everybody who listens what happened in the engine. Readers share one ring of events, so that one who does not
 * read takes no memory and no time; when the ring has gone round, it has lost events and is told so.
 */
export class EventBus {
  readonly #clock: Clock
  readonly #ring: EngineEvent[] = []
  readonly #readers = new Set<Reader>()
  readonly #waiting = new Set<Reader>()
  #telling: Timer | undefined
  /** Sequence number of the next event. */
  #next = 0
  #lastNano = 0
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Readers there are now. */
  get listeners(): number {
    return this.#readers.size
  }

  emit(Type: EngineEvent['Type'], Action: string, Actor: EngineEvent['Actor']): void {
    // Numbers hold no single nanoseconds this far from 1970; a microsecond apart keeps the order visible.
    const timeNano = Math.max(this.#clock.nowMicros() * 1_000, this.#lastNano + 1_000)
    this.#lastNano = timeNano
    const event: EngineEvent = { Type, Action, Actor, scope: 'local', time: Math.floor(timeNano / 1e9), timeNano }
    this.#ring[this.#next++ % KEPT_MAX] = event
    if (this.#next % SWEEP_EVERY === 0) this.#dropLost()
    if (this.#waiting.size <= TOLD_AT_ONCE_MAX) this.#tell()
    else this.#telling ??= this.#clock.setTimer(GATHER_MS, () => this.#tell())
  }

  /**
   * Events that pass the filters, from the call on or from `sinceMs`, until the signal is aborted, `untilMs` or the end of
   * the engine. Throws EVENTS_LOST for a reader that is too far behind.
   */
  read(options: EventOptions, signal: AbortSignal): AsyncGenerator<EngineEvent> {
    const isLive = options.sinceMs === undefined && options.untilMs === undefined
    const sequence = isLive ? this.#next : this.#firstSince(options.sinceMs ?? 0)
    return this.#read({ sequence, onLost: options.onLost ?? (() => {}), wake: () => {} }, options, signal)
  }

  async *#read(
    reader: Reader,
    { untilMs = Number.POSITIVE_INFINITY, filters = {} }: EventOptions,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent> {
    const untilMicro = microseconds(untilMs)
    const wake = (): void => reader.wake()
    const remainingMs = untilMs - this.#clock.nowMs()
    const end = Number.isFinite(untilMs) ? this.#clock.setTimer(Math.max(0, remainingMs), wake) : undefined
    signal.addEventListener('abort', wake, { once: true })
    this.#readers.add(reader)
    try {
      while (!signal.aborted) {
        this.#checkLost(reader)
        const event = reader.sequence < this.#next ? this.#ring[reader.sequence % KEPT_MAX] : undefined
        if (event === undefined) {
          if (this.#isClosed || this.#clock.nowMs() >= untilMs) return
          await this.#change(reader)
          continue
        }
        reader.sequence++
        if (microsecondsOf(event) > untilMicro) return
        if (matchesEvent(event, filters)) yield event
      }
    } finally {
      end?.cancel()
      signal.removeEventListener('abort', wake)
      this.#readers.delete(reader)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#tell()
  }

  /** Resolves when there is something new, or something else has happened to the reader. */
  #change(reader: Reader): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.add(reader)
      reader.wake = () => {
        this.#waiting.delete(reader)
        resolve()
      }
    })
  }

  #tell(): void {
    this.#telling?.cancel()
    this.#telling = undefined
    for (const reader of this.#waiting) reader.wake()
  }

  #firstSince(sinceMs: number): number {
    const sinceMicro = microseconds(sinceMs)
    const isEarlier = (sequence: number): boolean => {
      const event = this.#ring[sequence % KEPT_MAX]
      return event !== undefined && microsecondsOf(event) < sinceMicro
    }
    let sequence = this.#next
    while (sequence > Math.max(0, this.#next - KEPT_MAX) && !isEarlier(sequence - 1)) sequence--
    return sequence
  }

  #isLost({ sequence }: Reader): boolean {
    return sequence < this.#next - KEPT_MAX
  }

  #dropLost(): void {
    for (const reader of this.#readers) {
      if (!this.#isLost(reader)) continue
      this.#readers.delete(reader)
      reader.onLost()
    }
  }

  #checkLost(reader: Reader): void {
    if (!this.#isLost(reader)) return
    throw failed(
      'EVENTS_LOST',
      `The reader of events is more than ${KEPT_MAX} events behind: read faster, or ask again`,
    )
  }
}

/** Whole ones, so that an instant that has gone through JSON and a query is the same one. */
function microseconds(ms: number): number {
  return Math.round(ms * 1_000)
}

function microsecondsOf({ timeNano }: EngineEvent): number {
  return Math.round(timeNano / 1_000)
}
