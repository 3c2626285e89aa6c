import { unavailable } from '../../core/errors.ts'
import type { ClusterKeys, Store } from '../../discovery/index.ts'
import { batches, keyOf } from './batches.ts'
import { fence, type Transaction } from './transactions.ts'

export interface WriteReport {
  readonly written: number
  /** Transactions whose conditions no longer held: the next round decides anew. */
  readonly refused: number
}

/** The writes of one term of leadership: each one is refused by the store once another manager leads. */
export class FencedWriter {
  readonly #store: Store
  readonly #keys: ClusterKeys
  readonly #wrote: (keys: readonly string[], revision: number) => void
  readonly fencingToken: number

  constructor(
    {
      store,
      keys,
      wrote,
    }: { store: Store; keys: ClusterKeys; wrote: (keys: readonly string[], revision: number) => void },
    fencingToken: number,
  ) {
    this.#store = store
    this.#keys = keys
    this.#wrote = wrote
    this.fencingToken = fencingToken
  }

  /** All of it or nothing; false if a condition did not hold. Throws `NOT_LEADER` once another manager leads. */
  async write({ compares, operations }: Transaction): Promise<boolean> {
    const fenced = [fence(this.#keys, this.fencingToken), ...compares]
    const result = await this.#store.txn(fenced, operations)
    if (result.succeeded) {
      this.#wrote(operations.map(keyOf), result.revision)
      return true
    }
    const election = await this.#store.get(this.#keys.election)
    if (election?.createRevision !== this.fencingToken) {
      throw unavailable('NOT_LEADER', 'This manager no longer leads the cluster; try again')
    }
    return false
  }

  /** Writes what can be written: joined where possible, one by one where a joint write is refused. */
  async writeAll(transactions: readonly Transaction[]): Promise<WriteReport> {
    let written = 0
    let refused = 0
    for (const batch of batches(transactions, 1)) {
      const joint = { compares: batch.flatMap(t => t.compares), operations: batch.flatMap(t => t.operations) }
      if (await this.write(joint)) {
        written += batch.length
        continue
      }
      for (const single of batch.length === 1 ? [] : batch) {
        if (await this.write(single)) written++
        else refused++
      }
      if (batch.length === 1) refused++
    }
    return { written, refused }
  }
}
