import type { TrustRecord } from '../../core/model/trust.ts'
import type { Membership } from './identity-files.ts'

type Known = Pick<Membership, 'managers' | 'storeEndpoints'>

/** Where the managers of a cluster and its store are, as this member last heard: what it asks when one of them is gone. */
export class Places {
  #known: Known
  /** Whether managers say by themselves where they are; those of earlier versions do not. */
  #isToldByAll = false

  constructor({ managers, storeEndpoints }: Known) {
    this.#known = { managers, storeEndpoints }
  }

  get managers(): readonly string[] {
    return this.#known.managers
  }

  get storeEndpoints(): readonly string[] {
    return this.#known.storeEndpoints
  }

  /** What one manager answered whom we asked something else. */
  hear({ managers, storeEndpoints }: Known): void {
    if (!this.#isToldByAll) this.#known = { managers, storeEndpoints }
  }

  /** What stands in the store. A store that is run by others is not told of there. */
  follow(records: readonly TrustRecord[]): void {
    const told = records.filter(record => record.kind === 'manager')
    if (told.length === 0) return
    this.#isToldByAll = true
    const stores = told.flatMap(({ store }) => (store === undefined ? [] : [store])).sort()
    this.#known = {
      managers: told.map(({ address }) => address).sort(),
      storeEndpoints: stores.length === 0 ? this.#known.storeEndpoints : stores,
    }
  }
}
