import { OPERATIONS_PER_TXN_MAX } from '../../discovery/index.ts'
import type { Transaction } from './transactions.ts'

/** Bytes of values in one transaction: well below etcd's limit of 1.5 MiB for a request. */
const BATCH_BYTES_MAX = 512 * 1024

/**
 * Joins independent transactions, in order, into as few as the store's limits allow. `reserved` comparisons are left
 * free for the fence. Two that touch one key never share a batch: the store refuses to write a key twice at once.
 */
export function batches(transactions: readonly Transaction[], reserved: number): Transaction[][] {
  const result: Transaction[][] = []
  let room = { compares: 0, operations: 0, bytes: 0 }
  let keys = new Set<string>()
  for (const transaction of transactions) {
    const { compares, operations } = transaction
    const written = operations.map(keyOf)
    const bytes = operations.reduce((sum, operation) => sum + ('put' in operation ? operation.value.length : 0), 0)
    const batch = result.at(-1)
    const fits =
      batch !== undefined &&
      room.compares >= compares.length &&
      room.operations >= operations.length &&
      room.bytes >= bytes &&
      !written.some(key => keys.has(key))
    if (fits) batch.push(transaction)
    else {
      result.push([transaction])
      room = { compares: OPERATIONS_PER_TXN_MAX - reserved, operations: OPERATIONS_PER_TXN_MAX, bytes: BATCH_BYTES_MAX }
      keys = new Set()
    }
    room = {
      compares: room.compares - compares.length,
      operations: room.operations - operations.length,
      bytes: room.bytes - bytes,
    }
    for (const key of written) keys.add(key)
  }
  return result
}

export function keyOf(operation: Transaction['operations'][number]): string {
  if ('put' in operation) return operation.put
  return 'delete' in operation ? operation.delete : operation.deletePrefix
}
