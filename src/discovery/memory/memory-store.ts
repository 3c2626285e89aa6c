import type { Clock } from '../../core/clock.ts'
import { KeptLeases } from '../lease-keeper.ts'
import type { Store, WatchBatch } from '../store.ts'
import { checkTxn, storeUnavailable } from '../store-error.ts'
import { MemoryServer } from './memory-server.ts'

/** The way between one client and the in-memory store: what a simulator bends. */
export interface StoreLink {
  /**
   * Resolves when a request, and later its reply, has gone through; `lost` when it never will. Called twice a request.
   * Absent in plain use: everything goes through at once.
   */
  readonly carry: (what: 'request' | 'reply') => Promise<'through' | 'lost'>
  /** Calls `listener` when the link may work again, so that watches look for what they missed. */
  readonly onRestored: (listener: () => void) => () => void
  readonly isUp: () => boolean
}

export interface MemoryStore extends Store {
  /** Another client of the same data, with leases and watches of its own. */
  readonly connect: (link?: StoreLink) => Store
  /** Forgets the history up to and including a revision (the present one unless given), as etcd's compaction does. */
  readonly compact: (revision?: number) => void
}

const PERFECT_LINK: StoreLink = {
  carry: () => Promise.resolve('through'),
  onRestored: () => () => {},
  isUp: () => true,
}

/** How long a client waits for an answer that never comes. */
const CALL_TIMEOUT_MS = 3_000

/** A Store with etcd's semantics in memory, on any clock: for tests and the simulator. Same calls, same history. */
export function createMemoryStore({ clock }: { readonly clock: Clock }): MemoryStore {
  const server = new MemoryServer(clock)
  const connect = (link: StoreLink = PERFECT_LINK): Store => createClient(server, link, clock)
  return { ...connect(), connect, compact: (revision = server.revision) => server.compact(revision) }
}

function createClient(server: MemoryServer, link: StoreLink, clock: Clock): Store {
  const closing = new AbortController()
  const leases = new KeptLeases(clock)

  /** Runs `work` at the server; like a network, may lose the request (not done) or only the reply (done, unknown). */
  const send = async <T>(work: () => T): Promise<T> => {
    if ((await link.carry('request')) === 'through') {
      const result = work()
      if ((await link.carry('reply')) === 'through') return result
    }
    return new Promise<never>(() => {})
  }
  const call = async <T>(work: () => T): Promise<T> => {
    if (closing.signal.aborted) throw storeUnavailable('memory', new Error('the client is closed'))
    const late = Promise.withResolvers<never>()
    const timer = clock.setTimer(CALL_TIMEOUT_MS, () => late.reject(storeUnavailable('memory')))
    try {
      // A request that is only slow still arrives after its sender has given up.
      return await Promise.race([send(work), late.promise])
    } finally {
      timer.cancel()
    }
  }

  return {
    get: key => call(() => server.get(key)),
    list: prefix => call(() => server.list(prefix)),
    async txn(compares, operations) {
      checkTxn(operations)
      return call(() => server.txn(compares, operations))
    },
    watch: (prefix, fromRevision, signal) =>
      watch({ server, link, prefix, fromRevision, signal: AbortSignal.any([signal, closing.signal]) }),
    async grantLease(ttlMs, options) {
      const wholeMs = Math.max(1, Math.ceil(ttlMs / 1_000)) * 1_000
      const askedMs = clock.monotonicMs()
      const id = await call(() => server.grant(wholeMs))
      const calls = { renew: () => call(() => server.renew(id)), revoke: () => call(() => server.revoke(id)) }
      return leases.keep({ id, ttlMs: wholeMs, askedMs, ...options }, calls)
    },
    async close() {
      closing.abort()
      leases.abandon()
    },
  }
}

interface WatchRequest {
  readonly server: MemoryServer
  readonly link: StoreLink
  readonly prefix: string
  readonly fromRevision: number
  readonly signal: AbortSignal
}

async function* watch({ server, link, prefix, fromRevision, signal }: WatchRequest): AsyncGenerator<WatchBatch> {
  let next = fromRevision
  let wake = Promise.withResolvers<void>()
  const rouse = (): void => wake.resolve()
  const stopCommits = server.onCommit(rouse)
  const stopRestored = link.onRestored(rouse)
  signal.addEventListener('abort', rouse, { once: true })
  try {
    while (!signal.aborted) {
      wake = Promise.withResolvers<void>()
      if (link.isUp()) {
        const batches = server.since(prefix, next)
        next = server.revision + 1
        for (const batch of batches) {
          if (signal.aborted) return
          yield batch
        }
      }
      await wake.promise
    }
  } finally {
    stopCommits()
    stopRestored()
    signal.removeEventListener('abort', rouse)
  }
}
