import { conflict, errorMessage, invalidInput, type ShoalError, unavailable } from '../core/errors.ts'
import { OPERATIONS_PER_TXN_MAX, type Operation, VALUE_BYTES_MAX } from './store.ts'

/** The errors that every implementation of the Store throws alike. */

export function storeUnavailable(where: string, cause?: unknown): ShoalError {
  const why = cause === undefined ? '' : `: ${errorMessage(cause)}`
  return unavailable(
    'STORE_UNAVAILABLE',
    `The store at ${where} does not answer${why}. Check that etcd runs there and that this host can reach it`,
    cause === undefined ? {} : { cause },
  )
}

export function compacted(prefix: string, fromRevision: number, why: string): ShoalError {
  return invalidInput('COMPACTED', `Cannot watch ${prefix} from revision ${fromRevision}: ${why}. List it again`, {
    details: { prefix, fromRevision },
  })
}

export function leaseGone(id: string): ShoalError {
  return conflict('LEASE_GONE', `Lease ${id} has expired or was revoked: register again with a new one`)
}

/** Throws what etcd would answer, before anything is sent. */
export function checkTxn(operations: readonly Operation[]): void {
  if (operations.length > OPERATIONS_PER_TXN_MAX) {
    throw invalidInput(
      'TXN_TOO_LARGE',
      `A transaction of ${operations.length} operations is over the limit of ${OPERATIONS_PER_TXN_MAX}: split it`,
    )
  }
  for (const operation of operations) {
    if ('put' in operation && Buffer.byteLength(operation.value) > VALUE_BYTES_MAX) {
      throw invalidInput(
        'TXN_TOO_LARGE',
        `The value of ${operation.put} has ${Buffer.byteLength(operation.value)} bytes, over the limit of ${VALUE_BYTES_MAX}`,
      )
    }
  }
  const repeated = repeatedKey(operations)
  if (repeated !== undefined) {
    throw invalidInput('TXN_DUPLICATE_KEY', `A transaction writes ${repeated} twice: write it once`)
  }
}

function repeatedKey(operations: readonly Operation[]): string | undefined {
  const puts = new Set<string>()
  for (const operation of operations) {
    if (!('put' in operation)) continue
    if (puts.has(operation.put)) return operation.put
    puts.add(operation.put)
  }
  for (const operation of operations) {
    if ('delete' in operation && puts.has(operation.delete)) return operation.delete
    if ('deletePrefix' in operation) {
      const inside = [...puts].find(key => key.startsWith(operation.deletePrefix))
      if (inside !== undefined) return inside
    }
  }
  return undefined
}
