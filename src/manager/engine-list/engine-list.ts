import { type Clock, sleep, withDeadline } from '../../core/clock.ts'
import { errorMessage, unavailable } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { type ClusterKeys, memberCodec, type Store } from '../../discovery/index.ts'
import { type Engine, judgeEngine } from '../../docker-api/index.ts'
import { type Arrangement, arrange, type ListedEngine } from './arrange.ts'

/** How engines that are listed by hand, and so do not register themselves, are watched. */
export interface EnginePolling {
  /** Between two questions to an engine: a random time between these; longer for one that fails for long. */
  readonly minMs: number
  readonly maxMs: number
  /** So many questions in a row without an answer, and the engine is down. */
  readonly failures: number
}

export interface EngineListPorts {
  readonly store: Store
  readonly keys: ClusterKeys
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly connect: (address: string) => Pick<Engine, 'info' | 'version'> & { readonly close: () => void }
  /** Whether engines are spoken to with TLS. */
  readonly tls: boolean
}

/** An engine that hangs has not answered. */
const ANSWER_MS = 4_000
/** How many times the usual interval passes at most until an engine that fails is asked again. */
const BACKOFF_MAX = 12
const OPERATIONS_PER_WRITE = 100
/** Answers of a thousand engines come in a second or two: those within this long are written together. */
const GATHER_MS = 20

interface Watched {
  engine: ListedEngine
  readonly end: AbortController
}

/**
 * Registers Docker Engines that are listed by hand as the nodes of a cluster: one loop for each, so that a slow one holds up no
 * other. What is wrong with those that are no nodes is kept for whoever asks.
 */
export class EngineList {
  readonly #ports: EngineListPorts
  readonly #polling: EnginePolling
  /** By address, in the order of the list. */
  #watched = new Map<string, Watched>()
  #written: ReadonlyMap<string, string> = new Map()
  /** The last write failed: whoever is asked next has it tried again. */
  #isUnwritten = false
  /** Engines of the first list that have neither answered nor failed yet. */
  #unasked: Set<string> | undefined
  readonly #asked = Promise.withResolvers<number>()
  #revision = 0
  #arrangement: Arrangement = { members: [], pending: [], failing: new Map() }
  #writing: Promise<void> = Promise.resolve()
  #queued: Promise<void> | undefined

  constructor(polling: EnginePolling, ports: EngineListPorts) {
    this.#polling = polling
    this.#ports = ports
  }

  /** Engines of the list that are no nodes, each with the reason. */
  pending(): Arrangement['pending'] {
    return this.#arrangement.pending
  }

  /** Why a node is not one at the moment; undefined if it is, or is not listed. */
  failure(node: string): string | undefined {
    return this.#arrangement.failing.get(node)
  }

  /** Resolves when each engine of the first list has answered or failed, with the store's revision at which that was written. */
  asked(): Promise<number> {
    return this.#asked.promise
  }

  /** Watches the engines of the newest list until `signal` is aborted. */
  async run(lists: AsyncIterable<readonly string[]>, signal: AbortSignal): Promise<void> {
    try {
      for await (const addresses of lists) await this.#follow(addresses, signal)
    } finally {
      for (const { end } of this.#watched.values()) end.abort()
    }
  }

  /** Those that are gone first, so that an engine may move to another address. */
  async #follow(addresses: readonly string[], signal: AbortSignal): Promise<void> {
    const before = this.#watched
    this.#watched = new Map(addresses.map(address => [address, before.get(address) ?? newcomer(address)]))
    for (const [address, { end }] of before) if (!this.#watched.has(address)) end.abort()
    this.#unasked ??= new Set(addresses)
    await this.#register()
    if (this.#unasked.size === 0) this.#asked.resolve(this.#revision)
    for (const [address, watched] of this.#watched) {
      if (!before.has(address)) void this.#watch(watched, AbortSignal.any([signal, watched.end.signal]))
    }
  }

  async #watch(watched: Watched, signal: AbortSignal): Promise<void> {
    const { clock, random, connect } = this.#ports
    const { minMs, maxMs, failures: retries } = this.#polling
    const engine = connect(watched.engine.address)
    try {
      while (!signal.aborted) {
        const next = await this.#ask(watched.engine, engine)
        if (signal.aborted) return
        this.#tell(watched.engine, next)
        const isNews = !isSame(watched.engine, next)
        if (isNews) watched.engine = next
        if (isNews || this.#isUnwritten) await this.#register()
        this.#wasAsked(next.address)
        const backoff = 1 + Math.min(BACKOFF_MAX - 1, Math.max(0, next.failures - retries))
        await sleep(clock, backoff * minMs + random.next() * (maxMs - minMs), signal).catch(() => {})
      }
    } finally {
      engine.close()
    }
  }

  async #ask(before: ListedEngine, engine: Pick<Engine, 'info' | 'version'>): Promise<ListedEngine> {
    const { clock, tls } = this.#ports
    const { address, member } = before
    const onTimeout = (): Error => unavailable('ENGINE_SILENT', `The engine at ${address} does not answer`)
    try {
      const asking = () => Promise.all([engine.info(), engine.version()])
      const [info, version] = await withDeadline(asking, ANSWER_MS, { clock, onTimeout })
      const judged = judgeEngine(address, { info, version }, { knownId: member?.id, tls })
      return 'member' in judged
        ? { address, member: judged.member, failures: 0 }
        : { address, failures: before.failures + 1, problem: judged.problem }
    } catch (error) {
      return { ...before, failures: before.failures + 1, problem: errorMessage(error) }
    }
  }

  #wasAsked(address: string): void {
    if (this.#unasked?.delete(address) === true && this.#unasked.size === 0) this.#asked.resolve(this.#revision)
  }

  #tell(before: ListedEngine, { address, problem, member }: ListedEngine): void {
    const { log } = this.#ports
    const isNews = problem !== before.problem || (problem === undefined && before.member === undefined)
    if (!isNews) return
    if (problem === undefined) log.info({ address, node: member?.name }, 'an engine of the list answers')
    else log.warn({ address, problem }, 'an engine of the list is not well')
  }

  /** Writes members as they should be; one write at a time, each from what is known then: many that wait are one. */
  #register(): Promise<void> {
    this.#queued ??= this.#writing.then(() => sleep(this.#ports.clock, GATHER_MS)).then(() => this.#write())
    this.#writing = this.#queued
    return this.#queued
  }

  async #write(): Promise<void> {
    this.#queued = undefined
    const { store, keys, log } = this.#ports
    const nodes = new Map(this.#arrangement.members.map(({ apiAddress, name }) => [apiAddress, name]))
    const engines = [...this.#watched.values()].map(({ engine }) => engine)
    this.#arrangement = arrange(engines, { retries: this.#polling.failures, nodes })
    const wanted = new Map(
      this.#arrangement.members.map(member => [keys.member(member.name), memberCodec.encode(member)]),
    )
    const puts = [...wanted].filter(([key, value]) => this.#written.get(key) !== value)
    const gone = [...this.#written.keys()].filter(key => !wanted.has(key))
    const operations = [...gone.map(key => ({ delete: key })), ...puts.map(([put, value]) => ({ put, value }))]
    try {
      for (let start = 0; start < operations.length; start += OPERATIONS_PER_WRITE) {
        const { revision } = await store.txn([], operations.slice(start, start + OPERATIONS_PER_WRITE))
        this.#revision = revision
      }
      this.#written = wanted
      this.#isUnwritten = false
    } catch (error) {
      this.#isUnwritten = true
      log.error({ error: errorMessage(error) }, 'cannot note which engines answer, will try again')
    }
  }
}

function isSame(a: ListedEngine, b: ListedEngine): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function newcomer(address: string): Watched {
  return { engine: { address, failures: 0 }, end: new AbortController() }
}
