import { KeptLeases } from '../lease-keeper.ts'
import type { KeyValue, ListResult, Store } from '../store.ts'
import { checkTxn } from '../store-error.ts'
import { prefixEnd, readKeyValue, writeCompare, writeOperation } from './etcd-codec.ts'
import { watchEtcd } from './etcd-watch.ts'
import { type EtcdOptions, type EtcdWire, openEtcdWire } from './etcd-wire.ts'

export type { EtcdOptions } from './etcd-wire.ts'

/** Keys a request: keeps each answer well below what gRPC and etcd like. */
const PAGE_KEYS = 2_000

/** A Store on an etcd v3 cluster. Connects when first used; throws STORE_UNAVAILABLE from each call it cannot answer. */
export function createEtcdStore(options: EtcdOptions): Store {
  const wire = openEtcdWire(options)
  const { clock } = options
  const leases = new KeptLeases(clock)
  const closing = new AbortController()
  return {
    async get(key) {
      const { kvs } = await wire.range({ key: Buffer.from(key) })
      return kvs[0] === undefined ? undefined : readKeyValue(kvs[0])
    },
    list: prefix => listPages(wire, prefix),
    async txn(compares, operations) {
      checkTxn(operations)
      const { header, succeeded } = await wire.txn({
        compare: compares.map(writeCompare),
        success: operations.map(writeOperation),
      })
      return { succeeded, revision: Number(header.revision) }
    },
    watch: (prefix, fromRevision, signal) =>
      watchEtcd(wire, { prefix, fromRevision, clock, signal: AbortSignal.any([signal, closing.signal]) }),
    async grantLease(ttlMs, options) {
      const askedMs = clock.monotonicMs()
      const { id, ttlSeconds } = await wire.grantLease(Math.max(1, Math.ceil(ttlMs / 1_000)))
      const calls = { renew: () => wire.renewLease(id), revoke: () => wire.revokeLease(id) }
      return leases.keep({ id, ttlMs: ttlSeconds * 1_000, askedMs, ...options }, calls)
    },
    async close() {
      closing.abort()
      leases.abandon()
      wire.close()
    },
  }
}

/** All pages at the revision of the first one, so that together they are one snapshot. */
async function listPages(wire: EtcdWire, prefix: string): Promise<ListResult> {
  const range_end = prefixEnd(prefix)
  const items: KeyValue[] = []
  let key = Buffer.from(prefix)
  let revision = 0
  while (true) {
    const page = await wire.range({ key, range_end, limit: PAGE_KEYS, ...(revision === 0 ? {} : { revision }) })
    if (revision === 0) revision = Number(page.header.revision)
    for (const kv of page.kvs) items.push(readKeyValue(kv))
    const last = page.kvs.at(-1)
    if (!page.more || last === undefined) return { revision, items }
    key = Buffer.concat([last.key, Buffer.from([0])])
  }
}
