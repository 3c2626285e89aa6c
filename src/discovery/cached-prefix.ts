import { type Clock, sleep } from '../core/clock.ts'
import { errorCode, errorMessage } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Codec } from './codec.ts'
import type { KeyValue, Store } from './store.ts'

export interface CachedEntry<T> {
  readonly key: string
  readonly value: T
  readonly createRevision: number
  readonly modRevision: number
}

export type CacheChange<T> =
  | { readonly type: 'put'; readonly entry: CachedEntry<T>; readonly before?: CachedEntry<T> }
  | { readonly type: 'delete'; readonly key: string; readonly before: CachedEntry<T> }

export interface CachedPrefixOptions<T> {
  readonly store: Store
  readonly prefix: string
  readonly codec: Codec<T>
  readonly clock: Clock
  readonly log: Log
  /** How often everything is listed anew, in case an event was lost. Default: one minute. */
  readonly relistMs?: number
}

const RELIST_MS = 60_000
const RETRY_FIRST_MS = 200
const RETRY_MAX_MS = 5_000

/**
 * Everything under a prefix, decoded, in memory, and kept up to date: filled by list, followed by watch, verified by a
 * full list every minute. Outlives outages of the store by keeping what was last known.
 */
export class CachedPrefix<T> {
  readonly #options: CachedPrefixOptions<T>
  readonly #entries = new Map<string, CachedEntry<T>>()
  readonly #listeners = new Set<(changes: readonly CacheChange<T>[]) => void>()
  readonly #closing = new AbortController()
  readonly #first = Promise.withResolvers<void>()
  #revision = 0
  #failures = 0
  #contactMs: number

  constructor(options: CachedPrefixOptions<T>) {
    this.#options = options
    this.#contactMs = options.clock.monotonicMs()
    this.#first.promise.catch(() => {})
    void this.#run()
  }

  /** Resolves when the first list is in; rejects when the cache is closed, or `signal` aborted, before that. */
  async ready(signal?: AbortSignal): Promise<void> {
    if (signal === undefined) return this.#first.promise
    signal.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => aborted.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.race([this.#first.promise, aborted.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** By full key. */
  get(key: string): CachedEntry<T> | undefined {
    return this.#entries.get(key)
  }

  /** In no particular order, but the same one for the same history. */
  entries(): IterableIterator<CachedEntry<T>> {
    return this.#entries.values()
  }

  values(): T[] {
    return Array.from(this.#entries.values(), entry => entry.value)
  }

  get size(): number {
    return this.#entries.size
  }

  /** Revision of the store that the content stands for; 0 before the first list. */
  get revision(): number {
    return this.#revision
  }

  /** 0 while the store answers; otherwise how long ago it last did, in milliseconds. */
  staleMs(): number {
    return this.#failures === 0 ? 0 : this.#options.clock.monotonicMs() - this.#contactMs
  }

  /** Calls `listener` after each batch of changes was applied, the first list included. Returns the way to stop. */
  onChange(listener: (changes: readonly CacheChange<T>[]) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** The batches of changes from now on, until `signal` is aborted or the cache closed. */
  async *changes(signal: AbortSignal): AsyncIterable<readonly CacheChange<T>[]> {
    const queue: (readonly CacheChange<T>[])[] = []
    const end = AbortSignal.any([signal, this.#closing.signal])
    let wake = Promise.withResolvers<void>()
    const stop = this.onChange(changes => {
      queue.push(changes)
      wake.resolve()
    })
    const onAbort = (): void => wake.resolve()
    end.addEventListener('abort', onAbort, { once: true })
    try {
      while (!end.aborted) {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield next
        if (end.aborted) return
        wake = Promise.withResolvers<void>()
        await wake.promise
      }
    } finally {
      stop()
      end.removeEventListener('abort', onAbort)
    }
  }

  /** Stops following; the content stays readable. */
  close(): void {
    this.#closing.abort()
    this.#listeners.clear()
    this.#first.reject(new DOMException('The cache was closed', 'AbortError'))
  }

  async #run(): Promise<void> {
    const { clock, log, prefix } = this.#options
    const closing = this.#closing.signal
    while (!closing.aborted) {
      try {
        await this.#relist()
        await this.#follow()
      } catch (error) {
        if (closing.aborted) return
        this.#failures++
        // Compacted history is no outage: the next list heals it. Of a real outage the beginning is worth a line.
        if (errorCode(error) === 'COMPACTED') log.info({ prefix }, 'history was compacted, listing anew')
        else if (this.#failures === 1) log.warn({ prefix, error: errorMessage(error) }, 'cannot follow the store')
        const waitMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (this.#failures - 1))
        await sleep(clock, waitMs, closing).catch(() => {})
      }
    }
  }

  async #relist(): Promise<void> {
    const { store, prefix } = this.#options
    const { revision, items } = await store.list(prefix)
    if (this.#closing.signal.aborted) return
    const listed = new Set(items.map(item => item.key))
    const changes = [...this.#entries.keys()].flatMap(key => (listed.has(key) ? [] : this.#remove(key)))
    // After a restored backup a revision may stand for another value than the one we know.
    const rewound = revision < this.#revision
    for (const item of items) {
      if (rewound || this.#entries.get(item.key)?.modRevision !== item.modRevision) changes.push(...this.#put(item))
    }
    this.#applied(revision, changes)
    this.#first.resolve()
  }

  async #follow(): Promise<void> {
    const { store, prefix, clock, relistMs = RELIST_MS } = this.#options
    const closing = this.#closing.signal
    const turn = new AbortController()
    const endTurn = (): void => turn.abort()
    const timer = clock.setTimer(relistMs, endTurn)
    closing.addEventListener('abort', endTurn, { once: true })
    try {
      for await (const batch of store.watch(prefix, this.#revision + 1, turn.signal)) {
        if (closing.aborted) return
        const changes = batch.events.flatMap(event =>
          event.type === 'put' ? this.#put(event.kv) : this.#remove(event.key),
        )
        this.#applied(batch.revision, changes)
      }
    } finally {
      timer.cancel()
      closing.removeEventListener('abort', endTurn)
    }
  }

  #put(kv: KeyValue): CacheChange<T>[] {
    const { codec, log } = this.#options
    const before = this.#entries.get(kv.key)
    const { key, createRevision, modRevision } = kv
    try {
      const entry = { key, value: codec.decode(kv.value), createRevision, modRevision }
      this.#entries.set(key, entry)
      return [{ type: 'put', entry, ...(before === undefined ? {} : { before }) }]
    } catch (error) {
      log.error({ key, error: errorMessage(error) }, 'bad record in the store, skipped')
      return this.#remove(key)
    }
  }

  #remove(key: string): CacheChange<T>[] {
    const before = this.#entries.get(key)
    if (before === undefined) return []
    this.#entries.delete(key)
    return [{ type: 'delete', key, before }]
  }

  #applied(revision: number, changes: readonly CacheChange<T>[]): void {
    if (this.#failures > 1) this.#options.log.info({ prefix: this.#options.prefix }, 'following the store again')
    this.#revision = revision
    this.#failures = 0
    this.#contactMs = this.#options.clock.monotonicMs()
    if (changes.length === 0) return
    for (const listener of this.#listeners) {
      try {
        listener(changes)
      } catch (error) {
        this.#options.log.error({ prefix: this.#options.prefix, error: errorMessage(error) }, 'a listener failed')
      }
    }
  }
}
