import type { Clock } from '../../core/clock.ts'
import type { EngineEvent, Filters } from '../../docker-api/index.ts'

/** Events kept for who asks for the past. */
const HISTORY_MAX = 1_024
/** A reader this far behind is dropped. */
const BACKLOG_MAX = 10_000

export interface EventOptions {
  readonly sinceMs?: number
  readonly untilMs?: number
  readonly filters?: Filters
}

interface Reader {
  readonly queue: EngineEvent[]
  wake: () => void
  done: boolean
}

/** Tells everybody who listens what happened in the engine. */
export class EventBus {
  readonly #clock: Clock
  readonly #history: EngineEvent[] = []
  readonly #readers = new Set<Reader>()
  #lastNano = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  emit(Type: EngineEvent['Type'], Action: string, Actor: EngineEvent['Actor']): void {
    // Numbers hold no single nanoseconds this far from 1970; a microsecond apart keeps the order visible.
    const timeNano = Math.max(this.#clock.nowMs() * 1e6, this.#lastNano + 1_000)
    this.#lastNano = timeNano
    const event: EngineEvent = { Type, Action, Actor, scope: 'local', time: Math.floor(timeNano / 1e9), timeNano }
    this.#history.push(event)
    if (this.#history.length > HISTORY_MAX) this.#history.shift()
    for (const reader of this.#readers) {
      reader.queue.push(event)
      if (reader.queue.length > BACKLOG_MAX) reader.done = true
      reader.wake()
    }
  }

  async *read({ sinceMs, untilMs, filters = {} }: EventOptions, signal: AbortSignal): AsyncGenerator<EngineEvent> {
    const past = sinceMs === undefined ? [] : this.#history.filter(event => event.timeNano >= sinceMs * 1e6)
    const reader: Reader = { queue: [...past], wake: () => {}, done: false }
    this.#readers.add(reader)
    const stop = (): void => {
      reader.done = true
      reader.wake()
    }
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    const end =
      untilMs === undefined ? undefined : this.#clock.setTimer(Math.max(0, untilMs - this.#clock.nowMs()), stop)
    try {
      for (;;) {
        const event = reader.queue.shift()
        if (event === undefined) {
          if (reader.done) return
          await new Promise<void>(resolve => {
            reader.wake = resolve
          })
        } else if (untilMs !== undefined && event.timeNano > untilMs * 1e6) return
        else if (!signal.aborted && matchesEvent(event, filters)) yield event
      }
    } finally {
      end?.cancel()
      signal.removeEventListener('abort', stop)
      this.#readers.delete(reader)
    }
  }

  close(): void {
    for (const reader of this.#readers) {
      reader.done = true
      reader.wake()
    }
  }
}

/** Whether an event passes docker's filters: each key must match one of its values. */
export function matchesEvent(event: EngineEvent, filters: Filters): boolean {
  return Object.entries(filters).every(
    ([key, values]) => values.length === 0 || values.some(value => matches(event, key, value)),
  )
}

function matches({ Type, Action, Actor }: EngineEvent, key: string, value: string): boolean {
  const named = (type: string): boolean =>
    Type === type && (Actor.ID === value || Actor.ID.startsWith(value) || Actor.Attributes['name'] === value)
  switch (key) {
    case 'type':
      return Type === value
    case 'event':
      return Action === value || Action.startsWith(`${value}:`)
    case 'container':
    case 'network':
    case 'volume':
      return named(key)
    case 'image':
      return named(key) || (Type === 'container' && Actor.Attributes['image'] === value)
    case 'label': {
      const equals = value.indexOf('=')
      if (equals < 0) return value in Actor.Attributes
      return Actor.Attributes[value.slice(0, equals)] === value.slice(equals + 1)
    }
    case 'scope':
      return value === 'local'
    default:
      return false
  }
}
