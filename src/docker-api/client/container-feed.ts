import { type Clock, sleep, withDeadline } from '../../core/clock.ts'
import { errorMessage, failed, ShoalError, unavailable } from '../../core/errors.ts'
import { mapParallel } from '../../core/parallel.ts'
import type { ContainerInspect, ContainerSummary } from '../container-types.ts'
import type { Engine, Filters } from '../engine.ts'
import type { EngineEvent } from '../resource-types.ts'
import { EventPace } from './event-pace.ts'
import { Rereads } from './rereads.ts'

export interface ContainerFeedOptions<T> {
  readonly engine: Engine
  readonly clock: Clock
  /** What is kept of a container; undefined: nothing. */
  readonly read: (inspect: ContainerInspect, summary: ContainerSummary | undefined) => T | undefined
  /** What is kept of a container by its line in a list, until it was read. Default: nothing. */
  readonly readLine?: (summary: ContainerSummary, kept: T | undefined) => T
  /** Which containers are listed. Default: all. */
  readonly filters?: Filters
  /** Whether what is kept is still right, told from a list, so that the container need not be asked for. Default: never. */
  readonly isCurrent?: (kept: T, summary: ContainerSummary) => boolean
  /** Whether a line tells all that is kept, so that the container need not be asked for. Default: never. With it, lists are asked to tell more. */
  readonly tellsAll?: (summary: ContainerSummary) => boolean
  /** Whether what a line tells is what is kept already, so that nobody need hear of it. Default: never. */
  readonly isSame?: (kept: T, now: T) => boolean
  /** Whether an event is about a container that may be kept. Default: every container's. */
  readonly concerns?: (event: EngineEvent, kept: T | undefined) => boolean
  /** After something kept was read anew, or is gone. */
  readonly onChange: (id: string, now: T | undefined) => void
  /** Every event of the engine, before anything is read because of it. With it, events of all types are followed. */
  readonly onEvent?: (event: EngineEvent) => void
  /** With `onEvent`: which events. */
  readonly eventFilters?: Filters
  /** The engine has answered with everything. */
  readonly onListed?: () => void
  /** The engine does not answer; it will be asked again. `failures` in a row, with this one. */
  readonly onFailure: (message: string, failures: number, error: unknown) => void
  /** With `gatherMs`: an event has told of something that is read in a while. */
  readonly onMarked?: () => void
  /** Events come faster than they are read. */
  readonly onFlood?: () => void
  /** A lost event is made good after this long, in milliseconds. */
  readonly relistMs: number
  /** The same after the first list: engines that were all met at once need not be listed at once for ever. Default: as later. */
  readonly firstRelistMs?: number
  /** Events about one container within this long are one read, in milliseconds. Default: each is read before the next event. */
  readonly gatherMs?: number
  /** Longest wait for an answer, in milliseconds. Default: the engine's own. */
  readonly answerMs?: number
  /** Wraps each question, so that not too many are asked at once; one that is not urgent may wait for others' that are. */
  readonly gate?: <R>(ask: () => Promise<R>, isUrgent: boolean) => Promise<R>
}

const RECONNECT_FIRST_MS = 500
const RECONNECT_MAX_MS = 10_000
const INSPECTS_AT_ONCE = 8
/** What lists leave out is read without haste. */
const DETAILS_AT_ONCE = 2
/** More than any host has; a list without end is no list. */
const CONTAINERS_MAX = 20_000
/** Behind this many containers to be read, events wait. */
const UNREAD_MAX = 1_000
/** Engines' clocks differ from ours: events are asked for from before we look, by more than they do. */
const CLOCKS_DIFFER_MS = 10_000
/** Turns end all the time: a reason of its own for each would cost more than the rest of it. */
const TURN_OVER = new DOMException('The next full list is due', 'AbortError')
/** Events that change nothing about how a container is. */
const UNIMPORTANT = /^(exec_|attach|detach|resize|top|copy|archive|extract|export|commit)/

/** An engine's containers as they are now: by list, by events, and by list again now and then, so that nothing stays stale. */
export class ContainerFeed<T> {
  readonly #options: ContainerFeedOptions<T>
  readonly #kept = new Map<string, T>()
  readonly #rereads: Rereads
  readonly #pace: EventPace
  /** Containers of which only a line is known, and nothing is said to have changed. */
  readonly #unread = new Set<string>()
  /** Containers that were read while a list was under way: the list may be older. */
  #readMeanwhile = new Set<string>()
  #isListed = false
  #turns = 0
  readonly #listed = Promise.withResolvers<void>()
  #breakTurn: (error: unknown) => void = () => {}

  constructor(options: ContainerFeedOptions<T>) {
    this.#options = options
    this.#pace = new EventPace(options.clock)
    this.#rereads = new Rereads({
      clock: options.clock,
      gatherMs: options.gatherMs ?? 0,
      atOnce: INSPECTS_AT_ONCE,
      read: id => this.#read(id, undefined),
      onFailure: error => this.#breakTurn(error),
    })
  }

  /** By id. */
  get kept(): ReadonlyMap<string, T> {
    return this.#kept
  }

  /** Lists everything, and reads what is new or may have changed. */
  async relist(): Promise<void> {
    const stale = await this.#list()
    await mapParallel([...stale], INSPECTS_AT_ONCE, ([id, summary]) => this.#read(id, summary))
  }

  /** Reads one container anew; it may be gone. */
  refresh(id: string): Promise<void> {
    this.#unread.delete(id)
    return this.#rereads.read(id)
  }

  /** Resolves when what events have told until now was read, and with the first list. */
  async settled(): Promise<void> {
    if (!this.#isListed) await this.#listed.promise
    await this.#rereads.flush()
  }

  /** Whether {@link settled} would wait. */
  get isUnsettled(): boolean {
    return !this.#isListed || this.#rereads.isBusy
  }

  /** Whether events have come faster than they are read. */
  get isFlooded(): boolean {
    return this.#pace.isBehind
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
        onFailure(errorMessage(error), failures, error)
        await sleep(clock, Math.min(RECONNECT_MAX_MS, RECONNECT_FIRST_MS * failures), signal).catch(() => {})
      } finally {
        this.#rereads.clear()
      }
    }
  }

  /**
   * One turn: events until the next full list is due. They are asked for first, so that none is missed, and anew each turn, so that a
   * connection that is dead and does not say so is not trusted for longer.
   */
  async #follow(signal: AbortSignal, onAnswer: () => void): Promise<void> {
    const { engine, clock, relistMs, firstRelistMs = relistMs, onEvent, onListed, eventFilters } = this.#options
    const turn = new AbortController()
    const endTurn = (): void => turn.abort(TURN_OVER)
    let broken: unknown
    this.#breakTurn = error => {
      broken = error
      endTurn()
    }
    const timer = clock.setTimer(this.#turns++ === 0 ? firstRelistMs : relistMs, endTurn)
    signal.addEventListener('abort', endTurn, { once: true })
    const filters = onEvent === undefined ? { type: ['container'] } : eventFilters
    const sinceMs = clock.nowMs() - CLOCKS_DIFFER_MS
    const events = engine.events({ sinceMs, ...(filters === undefined ? {} : { filters }) }, turn.signal)
    const iterator = events[Symbol.asyncIterator]()
    const first = iterator.next()
    first.catch(() => {})
    try {
      await this.#relistInTurn(turn.signal)
      // An engine that lists and does not tell what happens would be believed for a minute.
      await this.#inTime('begin to tell its events', () => events.opened ?? Promise.resolve())
      onAnswer()
      this.#isListed = true
      this.#listed.resolve()
      onListed?.()
      for (let next = await first; next.done !== true; next = await iterator.next()) {
        await this.#take(next.value, turn.signal)
      }
      if (!turn.signal.aborted) throw unavailable('EVENTS_ENDED', 'The engine has ended its events')
    } catch (error) {
      if (!turn.signal.aborted) throw error
    } finally {
      timer.cancel()
      endTurn()
      this.#breakTurn = () => {}
      signal.removeEventListener('abort', endTurn)
    }
    if (broken !== undefined) throw broken
  }

  /** With lines kept, everything is known at once, and read in more detail while events are followed already. */
  async #relistInTurn(signal: AbortSignal): Promise<void> {
    if (this.#options.readLine === undefined) return this.relist()
    const stale = await this.#list()
    this.#unread.clear()
    for (const id of stale.keys()) this.#unread.add(id)
    const read = async (id: string): Promise<void> => {
      if (!signal.aborted && this.#unread.has(id)) await this.#rereads.read(id)
    }
    void mapParallel([...stale.keys()], DETAILS_AT_ONCE, read).catch((error: unknown) => this.#breakTurn(error))
  }

  async #take(event: EngineEvent, signal: AbortSignal): Promise<void> {
    if (typeof (event as Partial<EngineEvent> | null)?.Actor?.Attributes !== 'object') {
      throw failed('BAD_ANSWER', 'The engine tells something for an event that is none')
    }
    if (this.#pace.isTooFast()) {
      this.#options.onFlood?.()
      await this.#pace.pause(signal)
    }
    this.#options.onEvent?.(event)
    const id = this.#containerOf(event)
    if (id === undefined) return
    this.#unread.delete(id)
    if (this.#options.gatherMs === undefined) return this.refresh(id)
    this.#rereads.mark(id)
    this.#options.onMarked?.()
    if (this.#rereads.size >= UNREAD_MAX) await this.#rereads.flush()
  }

  #containerOf(event: EngineEvent): string | undefined {
    const { Type, Action, Actor } = event
    if (Type === 'network') return Actor.Attributes['container']
    if (Type !== 'container' || UNIMPORTANT.test(Action)) return undefined
    // Whoever has it made reads it at once, before its own event comes: what becomes of it then is told by others.
    if (Action === 'create' && this.#kept.has(Actor.ID)) return undefined
    return (this.#options.concerns?.(event, this.#kept.get(Actor.ID)) ?? true) ? Actor.ID : undefined
  }

  /** Keeps what the list tells; resolves with what must be read to know more. */
  async #list(): Promise<ReadonlyMap<string, ContainerSummary | undefined>> {
    const { engine, filters, isSame, readLine, onChange, tellsAll } = this.#options
    const meanwhile = new Set<string>()
    this.#readMeanwhile = meanwhile
    const listed = await this.#ask('list its containers', () =>
      engine.containers.list({
        all: true,
        ...(filters === undefined ? {} : { filters }),
        ...(tellsAll === undefined ? {} : { details: true }),
      }),
    )
    const summaries = new Map(checkedList(listed).map(summary => [summary.Id, summary]))
    const stale = new Map<string, ContainerSummary | undefined>()
    for (const id of new Set([...this.#kept.keys(), ...summaries.keys()])) {
      if (meanwhile.has(id)) continue
      const kept = this.#kept.get(id)
      const summary = summaries.get(id)
      if (summary === undefined && readLine !== undefined) {
        // Gone. An engine that lists others each time, and does not describe them, would fill our memory if we asked for it.
        this.#kept.delete(id)
        onChange(id, undefined)
        continue
      }
      if (!this.#isTold(kept, summary)) stale.set(id, summary)
      if (summary === undefined || readLine === undefined) continue
      const now = readLine(summary, kept)
      if (kept !== undefined && isSame?.(kept, now) === true) continue
      this.#kept.set(id, now)
      onChange(id, now)
    }
    return stale
  }

  #isTold(kept: T | undefined, summary: ContainerSummary | undefined): boolean {
    const { isCurrent, tellsAll } = this.#options
    if (summary === undefined) return false
    return tellsAll?.(summary) === true || (kept !== undefined && isCurrent?.(kept, summary) === true)
  }

  async #read(id: string, summary: ContainerSummary | undefined): Promise<void> {
    const { read, onChange } = this.#options
    const inspect = await this.#inspect(id, !this.#unread.delete(id))
    if (inspect === 'refused') return
    const now = inspect === undefined ? undefined : read(inspect, summary)
    this.#readMeanwhile.add(id)
    if (now === undefined) this.#kept.delete(id)
    else this.#kept.set(id, now)
    onChange(id, now)
  }

  async #inspect(id: string, isUrgent: boolean): Promise<ContainerInspect | undefined | 'refused'> {
    try {
      return await this.#ask('describe a container', () => this.#options.engine.containers.inspect(id), isUrgent)
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      if (error.status === 404) return undefined
      // One container that an engine cannot describe is no reason to doubt what it says of the others.
      if (this.#options.readLine !== undefined && error.details['answered'] === true) return 'refused'
      throw error
    }
  }

  #ask<R>(what: string, ask: () => Promise<R>, isUrgent = true): Promise<R> {
    const { gate = asked => asked() } = this.#options
    return gate(() => this.#inTime(what, ask), isUrgent)
  }

  async #inTime<R>(what: string, ask: () => Promise<R>): Promise<R> {
    const { clock, answerMs } = this.#options
    if (answerMs === undefined) return ask()
    const onTimeout = (): Error =>
      unavailable('ENGINE_SILENT', `The engine did not ${what} within ${answerMs / 1_000} s`)
    return withDeadline(ask, answerMs, { clock, onTimeout })
  }
}

/** Engines are not trusted to tell what was asked for. */
function checkedList(listed: readonly ContainerSummary[]): readonly ContainerSummary[] {
  const isList =
    Array.isArray(listed) && listed.every(line => typeof (line as Partial<ContainerSummary> | null)?.Id === 'string')
  if (!isList) throw failed('BAD_ANSWER', 'The engine answered with something that is no list of containers')
  if (listed.length > CONTAINERS_MAX) {
    throw failed('BAD_ANSWER', `The engine lists ${listed.length} containers, and no host has that many`)
  }
  return listed
}
