import type { Compare, KeyValue, Operation, WatchBatch, WatchEvent } from '../store.ts'
import type { WatchResponse, WireTxn } from './etcd-wire.ts'

/** Our words into etcd's and back. */

interface WireKeyValue {
  readonly key: Buffer
  readonly value: Buffer
  readonly create_revision: string
  readonly mod_revision: string
  readonly lease: string
}

/** Revisions are 64-bit in etcd; a JavaScript number holds them for 285,000 years of 1,000 writes a second. */
export function readKeyValue(kv: WireKeyValue): KeyValue {
  return {
    key: kv.key.toString(),
    value: kv.value.toString(),
    createRevision: Number(kv.create_revision),
    modRevision: Number(kv.mod_revision),
    ...(kv.lease === '0' ? {} : { leaseId: kv.lease }),
  }
}

/** The first key behind all keys with a prefix: its last byte that can grow, grown by one. */
export function prefixEnd(prefix: string): Buffer {
  const bytes = Buffer.from(prefix)
  const last = bytes.findLastIndex(byte => byte < 0xff)
  if (last < 0) return Buffer.from([0])
  const end = Buffer.from(bytes.subarray(0, last + 1))
  end[last] = (end[last] ?? 0) + 1
  return end
}

export function writeCompare(compare: Compare): NonNullable<WireTxn['compare']>[number] {
  const key = Buffer.from(compare.key)
  if ('exists' in compare) {
    return { key, target: 'Create', result: compare.exists ? 'Greater' : 'Equal', create_revision: 0 }
  }
  if ('modRevision' in compare) return { key, target: 'Mod', result: 'Equal', mod_revision: compare.modRevision }
  return { key, target: 'Create', result: 'Equal', create_revision: compare.createRevision }
}

export function writeOperation(operation: Operation): NonNullable<WireTxn['success']>[number] {
  if ('put' in operation) {
    return {
      request_put: {
        key: Buffer.from(operation.put),
        value: Buffer.from(operation.value),
        ...(operation.lease === undefined ? {} : { lease: operation.lease.id }),
      },
    }
  }
  if ('delete' in operation) return { request_delete_range: { key: Buffer.from(operation.delete) } }
  const prefix = operation.deletePrefix
  return { request_delete_range: { key: Buffer.from(prefix), range_end: prefixEnd(prefix) } }
}

/** The changes a response carries; undefined for one that only confirms. etcd never splits a revision over responses. */
export function readBatch(response: WatchResponse): WatchBatch | undefined {
  const last = response.events.at(-1)
  if (last === undefined) return undefined
  const events = response.events.map(
    (event): WatchEvent =>
      event.type === 'Put'
        ? { type: 'put', kv: readKeyValue(event.kv) }
        : { type: 'delete', key: event.kv.key.toString(), modRevision: Number(event.kv.mod_revision) },
  )
  return { revision: Number(last.kv.mod_revision), events }
}
