import type { EndpointRecord } from '../../core/model/node.ts'
import type { CacheChange } from '../../discovery/index.ts'

/** The endpoints of the other nodes, by network and key. */
export class EndpointIndex {
  readonly #networks = new Map<string, Map<string, EndpointRecord>>()
  readonly #node: string

  constructor(node: string) {
    this.#node = node
  }

  apply(changes: readonly CacheChange<EndpointRecord>[]): void {
    for (const change of changes) {
      const { before } = change
      const key = change.type === 'put' ? change.entry.key : change.key
      if (before !== undefined) this.#networks.get(before.value.network)?.delete(key)
      if (change.type === 'put' && change.entry.value.node !== this.#node) {
        this.#on(change.entry.value.network).set(key, change.entry.value)
      }
    }
  }

  on(network: string): EndpointRecord[] {
    return [...(this.#networks.get(network)?.values() ?? [])]
  }

  #on(network: string): Map<string, EndpointRecord> {
    const found = this.#networks.get(network) ?? new Map<string, EndpointRecord>()
    this.#networks.set(network, found)
    return found
  }
}
