import { type Clock, sleep } from '../core/clock.ts'
import { errorCode, errorMessage, isTransient, unavailable } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { CachedPrefix } from './cached-prefix.ts'
import { jsonCodec } from './codec.ts'
import type { ClusterKeys } from './keys.ts'
import type { Compare, Lease, Operation, Store, TxnResult } from './store.ts'

/** Who leads. Key `election/manager`, under the leader's lease. */
export interface LeaderRecord {
  /** Unique for a process, not for a host. */
  readonly id: string
  /** Where its API answers: `10.0.0.1:3375`. */
  readonly address: string
  readonly sinceMs: number
}

export interface ElectionOptions {
  readonly store: Store
  readonly keys: ClusterKeys
  readonly candidate: { readonly id: string; readonly address: string }
  readonly clock: Clock
  readonly log: Log
  /** A dead leader is missed after this. Default: 3 seconds. */
  readonly ttlMs?: number
}

/** One term. */
export interface Leadership {
  /** Create revision of the election key: grows with every term of anybody, so it fences. */
  readonly token: number
  /** Aborted when the term is over, or must be assumed to be. */
  readonly lost: AbortSignal
  /** Whether the term goes on as far as can be told without the store; after a pause `lost` may come a moment later. */
  readonly isCurrent: () => boolean
  /** Asks the store. Throws 503 `NOT_LEADER` if the term is over. For what no transaction can fence. */
  readonly confirm: () => Promise<void>
  /** A transaction that the store refuses (`succeeded: false`) once somebody else leads. */
  readonly fencedTxn: (compares: readonly Compare[], operations: readonly Operation[]) => Promise<TxnResult>
  /**
   * Has the store refuse whatever of this term is still on its way to it: all that compares an earlier edition of the
   * election key. Resolves with the new edition, its mod revision; the first one is `token`. Throws 503 `NOT_LEADER`
   * if the term is over, `STORE_UNAVAILABLE` if it may not have been done.
   */
  readonly renew: () => Promise<number>
  /** Gives the term up, so that the next leader need not wait for the lease to run out. */
  readonly resign: () => Promise<void>
}

export interface Election {
  /** Resolves when this candidate leads; survives outages of the store. Rejects when `signal` is aborted. */
  readonly campaign: (signal: AbortSignal) => Promise<Leadership>
  /** Who leads as far as is known here. */
  readonly leader: () => LeaderRecord | undefined
  readonly onLeader: (listener: (leader: LeaderRecord | undefined) => void) => () => void
  /** Stops observing; does not resign. */
  readonly close: () => void
}

const TTL_MS = 3_000
const RETRY_MS = 500

const leaderCodec = jsonCodec<LeaderRecord>('leader', { id: 'string', address: 'string' })

/**
 * Elects one leader among candidates. An election in etcd is no mutual exclusion: two may believe to lead for a moment.
 * That is why every write of a leader must go through `fencedTxn`, or compare `token` itself.
 */
export function createElection(options: ElectionOptions): Election {
  const { store, keys, clock, log } = options
  const seen = new CachedPrefix({ store, prefix: keys.election, codec: leaderCodec, clock, log })
  const leader = (): LeaderRecord | undefined => seen.get(keys.election)?.value
  return {
    leader,
    onLeader: listener => seen.onChange(() => listener(leader())),
    close: () => seen.close(),
    async campaign(signal) {
      await seen.ready(signal)
      while (true) {
        await untilVacant(seen, keys.election, signal)
        try {
          const won = await standOnce(options)
          if (won !== undefined) return startTerm(options, seen, won)
        } catch (error) {
          if (!isTransient(error)) throw error
          log.warn({ error: errorMessage(error) }, 'the election is on hold: the store does not answer')
        }
        // Somebody else was faster, or the store is away: either shows in the cache soon.
        await sleep(clock, RETRY_MS, signal)
      }
    },
  }
}

async function untilVacant(seen: CachedPrefix<LeaderRecord>, key: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (seen.get(key) === undefined) return
  const vacant = Promise.withResolvers<void>()
  const onAbort = (): void => vacant.reject(signal.reason)
  const stop = seen.onChange(() => {
    if (seen.get(key) === undefined) vacant.resolve()
  })
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await vacant.promise
  } finally {
    stop()
    signal.removeEventListener('abort', onAbort)
  }
}

interface Won {
  readonly lease: Lease
  readonly token: number
  /** What stands in the election key. */
  readonly value: string
}

async function standOnce({ store, keys, candidate, clock, ttlMs = TTL_MS }: ElectionOptions): Promise<Won | undefined> {
  const lease = await store.grantLease(ttlMs)
  const value = leaderCodec.encode({ ...candidate, sinceMs: clock.nowMs() })
  try {
    const compares = [{ key: keys.election, exists: false }]
    const { succeeded, revision } = await store.txn(compares, [{ put: keys.election, value, lease }])
    if (succeeded) return { lease, token: revision, value }
  } catch (error) {
    // Perhaps we were elected and the answer was lost. Giving the lease back undoes it either way.
    void lease.revoke()
    throw error
  }
  await lease.revoke()
  return undefined
}

function startTerm({ store, keys }: ElectionOptions, seen: CachedPrefix<LeaderRecord>, won: Won): Leadership {
  const { lease, token, value } = won
  const over = new AbortController()
  const end = (): void => {
    stop()
    over.abort(new DOMException('The term as leader is over', 'AbortError'))
  }
  // The key may go although the lease lives: deleted by hand, or a backup was restored.
  const stop = seen.onChange(() => {
    const entry = seen.get(keys.election)
    const foreign = entry === undefined ? seen.revision > token : entry.createRevision !== token
    if (foreign) end()
  })
  lease.lost.addEventListener('abort', end, { once: true })
  const fence: Compare = { key: keys.election, createRevision: token }
  const notLeader = (): Error => {
    end()
    return unavailable('NOT_LEADER', 'This manager does not lead any more; try again')
  }
  return {
    token,
    lost: over.signal,
    isCurrent: () => !over.signal.aborted && lease.isCurrent(),
    async confirm() {
      if (!(await store.txn([fence], [])).succeeded) throw notLeader()
    },
    fencedTxn: (compares, operations) => store.txn([fence, ...compares], operations),
    async renew() {
      try {
        const { succeeded, revision } = await store.txn([fence], [{ put: keys.election, value, lease }])
        if (succeeded) return revision
      } catch (error) {
        if (errorCode(error) !== 'LEASE_GONE') throw error
      }
      throw notLeader()
    },
    async resign() {
      end()
      await lease.revoke()
    },
  }
}
