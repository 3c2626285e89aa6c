import { type Clock, sleep } from '../../core/clock.ts'
import { errorMessage, ShoalError } from '../../core/errors.ts'
import { KeyedLock } from '../../core/keyed-lock.ts'
import { mapParallel } from '../../core/parallel.ts'
import type { ContainerInspect, ContainerSummary } from '../container-types.ts'
import type { Engine, Filters } from '../engine.ts'
import type { EngineEvent } from '../resource-types.ts'

export interface ContainerFeedOptions<T> {
  readonly engine: Engine
  readonly clock: Clock
  /** What is kept of a container; undefined: nothing. */
  readonly read: (inspect: ContainerInspect, summary: ContainerSummary | undefined) => T | undefined
  /** Which containers are listed. Default: all. */
  readonly filters?: Filters
  /** Whether what is kept is still right, told from a list, so that the container need not be asked for. Default: never. */
  readonly isCurrent?: (kept: T, summary: ContainerSummary) => boolean
  /** Whether an event is about a container that may be kept. Default: every container's. */
  readonly concerns?: (event: EngineEvent, kept: T | undefined) => boolean
  /** After something kept was read anew, or is gone. */
  readonly onChange: (id: string, now: T | undefined) => void
  /** Every event of the engine, before anything is read because of it. With it, events of all types are followed. */
  readonly onEvent?: (event: EngineEvent) => void
  /** The engine has answered with everything. */
  readonly onListed?: () => void
  /** The engine does not answer; it will be asked again. `failures` in a row, with this one. */
  readonly onFailure: (message: string, failures: number) => void
  /** A lost event is made good after this long, in milliseconds. */
  readonly relistMs: number
}

const RECONNECT_FIRST_MS = 500
const RECONNECT_MAX_MS = 10_000
const INSPECTS_AT_ONCE = 8
/** Events that change nothing about how a container is. */
const UNIMPORTANT = /^(exec_|attach|detach|resize|top|copy|archive|extract|export|commit)/

/** An engine's containers as they are now: by list, by events, and by list again now and then, so that nothing stays stale. */
export class ContainerFeed<T> {
  readonly #options: ContainerFeedOptions<T>
  readonly #kept = new Map<string, T>()
  readonly #reading = new KeyedLock()

  constructor(options: ContainerFeedOptions<T>) {
    this.#options = options
  }

  /** By id. */
  get kept(): ReadonlyMap<string, T> {
    return this.#kept
  }

  /** Lists everything, and reads what is new or may have changed. */
  async relist(): Promise<void> {
    const { engine, filters, isCurrent } = this.#options
    const listed = await engine.containers.list({ all: true, ...(filters === undefined ? {} : { filters }) })
    const summaries = new Map(listed.map(summary => [summary.Id, summary]))
    const isStale = (id: string): boolean => {
      const kept = this.#kept.get(id)
      const summary = summaries.get(id)
      return kept === undefined || summary === undefined || isCurrent?.(kept, summary) !== true
    }
    const stale = [...new Set([...this.#kept.keys(), ...summaries.keys()])].filter(isStale)
    await mapParallel(stale, INSPECTS_AT_ONCE, id => this.#refresh(id, summaries.get(id)))
  }

  /** Reads one container anew; it may be gone. */
  refresh(id: string): Promise<void> {
    return this.#refresh(id, undefined)
  }

  /** Follows the engine until `signal` is aborted; an engine that does not answer is asked again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onFailure } = this.#options
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#follow(signal, () => (failures = 0))
      } catch (error) {
        if (signal.aborted) return
        failures++
        onFailure(errorMessage(error), failures)
        await sleep(clock, Math.min(RECONNECT_MAX_MS, RECONNECT_FIRST_MS * failures), signal).catch(() => {})
      }
    }
  }

  /** One turn: events until the next full list is due. Asks for events from before the list, so that none is missed. */
  async #follow(signal: AbortSignal, onAnswer: () => void): Promise<void> {
    const { engine, clock, relistMs, onEvent, onListed } = this.#options
    const turn = new AbortController()
    const endTurn = (): void => turn.abort()
    const timer = clock.setTimer(relistMs, endTurn)
    signal.addEventListener('abort', endTurn, { once: true })
    const filters = onEvent === undefined ? { filters: { type: ['container'] } } : {}
    const events = engine.events({ sinceMs: clock.nowMs(), ...filters }, turn.signal)
    try {
      await this.relist()
      onAnswer()
      onListed?.()
      for await (const event of events) {
        onEvent?.(event)
        if (this.#isImportant(event)) await this.refresh(event.Actor.ID)
      }
      // A stream that ends by itself must not be asked for again in a tight circle.
      if (!turn.signal.aborted) await sleep(clock, RECONNECT_FIRST_MS, signal)
    } catch (error) {
      if (!turn.signal.aborted) throw error
    } finally {
      timer.cancel()
      endTurn()
      signal.removeEventListener('abort', endTurn)
    }
  }

  #isImportant(event: EngineEvent): boolean {
    if (event.Type !== 'container' || UNIMPORTANT.test(event.Action)) return false
    return this.#options.concerns?.(event, this.#kept.get(event.Actor.ID)) ?? true
  }

  async #refresh(id: string, summary: ContainerSummary | undefined): Promise<void> {
    const { read, onChange } = this.#options
    await this.#reading.run(id, async () => {
      const inspect = await this.#inspect(id)
      const now = inspect === undefined ? undefined : read(inspect, summary)
      if (now === undefined) this.#kept.delete(id)
      else this.#kept.set(id, now)
      onChange(id, now)
    })
  }

  async #inspect(id: string): Promise<ContainerInspect | undefined> {
    try {
      return await this.#options.engine.containers.inspect(id)
    } catch (error) {
      if (error instanceof ShoalError && error.status === 404) return undefined
      throw error
    }
  }
}
