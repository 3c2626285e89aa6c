import { isTransient, unavailable } from '../../core/errors.ts'
import type { ClusterKeys, Compare, Leadership, Operation, Store } from '../../discovery/index.ts'
import { batches, keyOf } from './batches.ts'
import { fence, type Transaction } from './transactions.ts'

export interface WriteReport {
  readonly written: number
  /** Transactions whose conditions no longer held: the next round decides anew. */
  readonly refused: number
}

export interface WriterPorts {
  readonly store: Store
  readonly keys: ClusterKeys
  /** Told of our own writes. */
  readonly wrote: (keys: readonly string[], revision: number) => void
}

/** The writes of one term of leadership: each one is refused by the store once another manager leads. */
export class FencedWriter {
  readonly #ports: WriterPorts
  readonly #term: Pick<Leadership, 'token' | 'renew'>
  /** Mod revision of the election key that decisions compare. */
  #edition: number
  /** What may or may not have been written, or may be yet: no answer came. */
  #unclear: readonly Operation[] | undefined

  constructor(ports: WriterPorts, term: Pick<Leadership, 'token' | 'renew'>) {
    this.#ports = ports
    this.#term = term
    this.#edition = term.token
  }

  get fencingToken(): number {
    return this.#term.token
  }

  /** All of it or nothing; false if a condition did not hold. Throws `NOT_LEADER` once another manager leads. */
  async write(transaction: Transaction): Promise<boolean> {
    return this.#write(transaction, fence(this.#ports.keys, this.fencingToken))
  }

  /**
   * Writes what can be written: joined where possible, one by one where a joint write is refused. After an error
   * {@link settle} must be called before anything is decided anew.
   */
  async writeAll(transactions: readonly Transaction[]): Promise<WriteReport> {
    let written = 0
    let refused = 0
    for (const batch of batches(transactions, 1)) {
      const joint = { compares: batch.flatMap(t => t.compares), operations: batch.flatMap(t => t.operations) }
      if (await this.#decide(joint)) {
        written += batch.length
        continue
      }
      for (const single of batch.length === 1 ? [] : batch) {
        if (await this.#decide(single)) written++
        else refused++
      }
      if (batch.length === 1) refused++
    }
    return { written, refused }
  }

  /**
   * A write without an answer may have happened unseen, and one that is still on its way may happen later: what is decided
   * again would be done twice. Makes sure of both: that it never happens from now on, and that it is waited for if it did.
   */
  async settle(): Promise<void> {
    const unclear = this.#unclear
    if (unclear === undefined) return
    this.#edition = await this.#term.renew()
    const { store, wrote } = this.#ports
    const puts = unclear.flatMap(operation => ('put' in operation ? [operation.put] : []))
    for (const found of await Promise.all(puts.map(key => store.get(key)))) {
      if (found !== undefined) wrote([found.key], found.modRevision)
    }
    this.#unclear = undefined
  }

  async #decide(transaction: Transaction): Promise<boolean> {
    const edition = { key: this.#ports.keys.election, modRevision: this.#edition }
    try {
      return await this.#write(transaction, edition)
    } catch (error) {
      if (isTransient(error)) this.#unclear = transaction.operations
      throw error
    }
  }

  async #write({ compares, operations }: Transaction, fenced: Compare): Promise<boolean> {
    const { store, keys, wrote } = this.#ports
    const result = await store.txn([fenced, ...compares], operations)
    if (result.succeeded) {
      wrote(operations.map(keyOf), result.revision)
      return true
    }
    const election = await store.get(keys.election)
    if (election?.createRevision !== this.fencingToken) {
      throw unavailable('NOT_LEADER', 'This manager no longer leads the cluster; try again')
    }
    // A renewal that was given up has come late.
    if (election.modRevision !== this.#edition) this.#unclear ??= []
    return false
  }
}
