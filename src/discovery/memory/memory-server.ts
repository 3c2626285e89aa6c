import type { Clock, Timer } from '../../core/clock.ts'
import type { Compare, KeyValue, ListResult, Operation, TxnResult, WatchBatch, WatchEvent } from '../store.ts'
import { compacted, leaseGone } from '../store-error.ts'

interface ServerLease {
  readonly ttlMs: number
  readonly keys: Set<string>
  expiry: Timer
}

/** The state behind in-memory stores: what etcd's server side is, in one process and without a disk. */
export class MemoryServer {
  readonly #clock: Clock
  readonly #data = new Map<string, KeyValue>()
  readonly #history: WatchBatch[] = []
  readonly #leases = new Map<string, ServerLease>()
  readonly #listeners = new Set<() => void>()
  #revision = 1
  #compacted = 0
  #leaseCount = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get revision(): number {
    return this.#revision
  }

  get(key: string): KeyValue | undefined {
    return this.#data.get(key)
  }

  list(prefix: string): ListResult {
    const items = [...this.#data.values()].filter(kv => kv.key.startsWith(prefix))
    items.sort((a, b) => (a.key < b.key ? -1 : 1))
    return { revision: this.#revision, items }
  }

  txn(compares: readonly Compare[], operations: readonly Operation[]): TxnResult {
    if (!compares.every(compare => this.#holds(compare))) return { succeeded: false, revision: this.#revision }
    this.#checkLeases(operations)
    this.#commit(revision => operations.flatMap(operation => this.#apply(operation, revision)))
    return { succeeded: true, revision: this.#revision }
  }

  /** Batches from a revision on, oldest first; throws COMPACTED when they are not all known. */
  since(prefix: string, fromRevision: number): WatchBatch[] {
    if (fromRevision <= this.#compacted) {
      throw compacted(prefix, fromRevision, `history up to ${this.#compacted} is compacted`)
    }
    if (fromRevision > this.#revision + 1) {
      throw compacted(prefix, fromRevision, `the store is only at revision ${this.#revision}, as after a restore`)
    }
    // Every revision has its batch, so the position follows from the number.
    const start = fromRevision - (this.#history[0]?.revision ?? fromRevision)
    return this.#history.slice(Math.max(0, start)).flatMap(batch => {
      const events = batch.events.filter(event => keyOf(event).startsWith(prefix))
      return events.length === 0 ? [] : [{ revision: batch.revision, events }]
    })
  }

  /** Forgets the history up to and including `revision`. */
  compact(revision: number): void {
    this.#compacted = revision
    const keep = this.#history.findIndex(batch => batch.revision > revision)
    this.#history.splice(0, keep < 0 ? this.#history.length : keep)
  }

  /** Calls `listener` after each change. Returns the way to stop. */
  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  grant(ttlMs: number): string {
    const id = (++this.#leaseCount).toString(16)
    this.#leases.set(id, { ttlMs, keys: new Set(), expiry: this.#expireLater(id, ttlMs) })
    return id
  }

  renew(id: string): boolean {
    const lease = this.#leases.get(id)
    if (lease === undefined) return false
    lease.expiry.cancel()
    lease.expiry = this.#expireLater(id, lease.ttlMs)
    return true
  }

  revoke(id: string): void {
    const lease = this.#leases.get(id)
    if (lease === undefined) return
    lease.expiry.cancel()
    this.#leases.delete(id)
    const keys = [...lease.keys].sort()
    if (keys.length > 0) this.#commit(revision => keys.flatMap(key => this.#delete(key, revision)))
  }

  #expireLater(id: string, ttlMs: number): Timer {
    return this.#clock.setTimer(ttlMs, () => this.revoke(id))
  }

  #holds(compare: Compare): boolean {
    const kv = this.#data.get(compare.key)
    if ('exists' in compare) return (kv !== undefined) === compare.exists
    if ('modRevision' in compare) return (kv?.modRevision ?? 0) === compare.modRevision
    return (kv?.createRevision ?? 0) === compare.createRevision
  }

  #checkLeases(operations: readonly Operation[]): void {
    for (const operation of operations) {
      if ('put' in operation && operation.lease !== undefined && !this.#leases.has(operation.lease.id)) {
        throw leaseGone(operation.lease.id)
      }
    }
  }

  #commit(change: (revision: number) => readonly WatchEvent[]): void {
    const events = change(this.#revision + 1)
    if (events.length === 0) return
    this.#revision++
    this.#history.push({ revision: this.#revision, events })
    for (const listener of this.#listeners) listener()
  }

  #apply(operation: Operation, revision: number): WatchEvent[] {
    if ('put' in operation) return [this.#put(operation, revision)]
    if ('delete' in operation) return this.#delete(operation.delete, revision)
    const keys = this.list(operation.deletePrefix).items.map(item => item.key)
    return keys.flatMap(key => this.#delete(key, revision))
  }

  #put({ put: key, value, lease }: Extract<Operation, { put: string }>, revision: number): WatchEvent {
    const before = this.#data.get(key)
    if (before?.leaseId !== undefined) this.#leases.get(before.leaseId)?.keys.delete(key)
    if (lease !== undefined) this.#leases.get(lease.id)?.keys.add(key)
    const kv: KeyValue = {
      key,
      value,
      createRevision: before?.createRevision ?? revision,
      modRevision: revision,
      ...(lease === undefined ? {} : { leaseId: lease.id }),
    }
    this.#data.set(key, kv)
    return { type: 'put', kv }
  }

  #delete(key: string, revision: number): WatchEvent[] {
    const before = this.#data.get(key)
    if (before === undefined) return []
    this.#data.delete(key)
    if (before.leaseId !== undefined) this.#leases.get(before.leaseId)?.keys.delete(key)
    return [{ type: 'delete', key, modRevision: revision }]
  }
}

function keyOf(event: WatchEvent): string {
  return event.type === 'put' ? event.kv.key : event.key
}
