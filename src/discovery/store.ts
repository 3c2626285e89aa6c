/**
 * The Store port: etcd's semantics in our words. Every key has a create revision and a mod revision; a transaction
 * compares and then writes atomically; a lease removes its keys when it is no longer kept alive; a watch delivers every
 * change after a revision, in order, or says that it cannot.
 */

export interface KeyValue {
  readonly key: string
  readonly value: string
  readonly createRevision: number
  readonly modRevision: number
  /** The lease it hangs on, or undefined. */
  readonly leaseId?: string
}

/** A condition of a transaction. `exists: false` is etcd's "create revision = 0". */
export type Compare =
  | { readonly key: string; readonly exists: boolean }
  | { readonly key: string; readonly modRevision: number }
  | { readonly key: string; readonly createRevision: number }

export type Operation =
  | { readonly put: string; readonly value: string; readonly lease?: Lease }
  | { readonly delete: string }
  | { readonly deletePrefix: string }

/** etcd's default `--max-txn-ops`. */
export const OPERATIONS_PER_TXN_MAX = 128
/** Largest value we write, in bytes. */
export const VALUE_BYTES_MAX = 1024 * 1024

export interface TxnResult {
  /** False: a condition did not hold, and nothing was written. */
  readonly succeeded: boolean
  /** Revision of the store after the transaction. */
  readonly revision: number
}

export interface ListResult {
  /** Revision of the snapshot; watch from `revision + 1` to miss nothing. */
  readonly revision: number
  /** Sorted by key. */
  readonly items: readonly KeyValue[]
}

export type WatchEvent =
  | { readonly type: 'put'; readonly kv: KeyValue }
  | { readonly type: 'delete'; readonly key: string; readonly modRevision: number }

/** All changes of one or more revisions; never half of a revision. */
export interface WatchBatch {
  readonly revision: number
  readonly events: readonly WatchEvent[]
}

/** A lease that is kept alive until it is revoked or lost. */
export interface Lease {
  readonly id: string
  readonly ttlMs: number
  /** Aborted when the lease is known, or must be assumed, to have expired (judged on the local monotonic clock). */
  readonly lost: AbortSignal
  /** Whether it can be relied on now: right after a pause too, when the timer behind `lost` has not had its turn yet. */
  readonly isCurrent: () => boolean
  /** Removes the lease and all its keys. Never throws if it is gone already. */
  readonly revoke: () => Promise<void>
}

/**
 * Errors: a store that does not answer throws a TransientError `STORE_UNAVAILABLE`; a watch whose start is compacted
 * throws a ShoalError `COMPACTED` (list again), and so does one that starts after the store's present revision (a backup
 * was restored); too many operations or too large a value throws `TXN_TOO_LARGE`; one key written twice in a transaction
 * `TXN_DUPLICATE_KEY`; a put under a lease that is gone `LEASE_GONE`. After STORE_UNAVAILABLE a transaction may or may not
 * have been applied: repeat only what compares.
 * Every call has a deadline of its own.
 */
export interface Store {
  readonly get: (key: string) => Promise<KeyValue | undefined>
  /** All keys that start with `prefix`. */
  readonly list: (prefix: string) => Promise<ListResult>
  /** Writes `operations` if all of `compares` hold. */
  readonly txn: (compares: readonly Compare[], operations: readonly Operation[]) => Promise<TxnResult>
  /**
   * Every change under `prefix` from `fromRevision` on (inclusive). Reconnects by itself and resumes without loss; ends
   * when `signal` is aborted; throws `COMPACTED` when it cannot resume.
   */
  readonly watch: (prefix: string, fromRevision: number, signal: AbortSignal) => AsyncIterable<WatchBatch>
  /**
   * Grants a lease and keeps it alive (a renewal every third of its time, and every `renewMs`). `ttlMs` is rounded up to whole
   * seconds.
   */
  readonly grantLease: (ttlMs: number, options?: { readonly renewMs?: number }) => Promise<Lease>
  readonly close: () => Promise<void>
}
