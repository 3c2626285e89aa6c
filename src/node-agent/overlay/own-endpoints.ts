import { cidrSize, formatIpv4, parseCidr } from '../../core/cidr.ts'
import { conflict } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { EndpointRecord, NetworkRecord } from '../../core/model/node.ts'
import { pickIndex, type Random } from '../../core/random.ts'
import { type CachedEntry, type ClusterKeys, endpointCodec, type Store } from '../../discovery/index.ts'

/** Tries of other addresses after another node was faster. */
const CLAIM_TRIES_MAX = 20

export interface OwnEndpointsPorts {
  readonly store: Store
  readonly keys: ClusterKeys
  readonly random: Random
  readonly log: Log
}

interface OwnEndpoint {
  readonly record: EndpointRecord
  readonly modRevision: number
}

/**
 * The addresses of this node. Only we write them, so what is held here is the truth even while the store is away: a
 * change counts on this node before it is written. Addresses are claimed by creating their key, which only one node can.
 */
export class OwnEndpoints {
  readonly #ports: OwnEndpointsPorts
  readonly #held = new Map<string, OwnEndpoint>()
  /** Keys that are being given back: their deletion is our own doing. */
  readonly #leaving = new Set<string>()

  constructor(ports: OwnEndpointsPorts) {
    this.#ports = ports
  }

  all(): EndpointRecord[] {
    return [...this.#held.values()].map(({ record }) => record)
  }

  on(network: string): EndpointRecord[] {
    return this.all().filter(record => record.network === network)
  }

  /** Takes up an endpoint that the store has under our name. */
  adopt({ key, value, modRevision }: CachedEntry<EndpointRecord>): void {
    this.#held.set(key, { record: value, modRevision })
  }

  /** Creates the endpoint's key under a free address of the network. Throws NO_FREE_ADDRESS. */
  async claim(
    network: NetworkRecord,
    taken: ReadonlySet<string>,
    make: (address: string) => EndpointRecord,
  ): Promise<EndpointRecord> {
    const { store, keys, random } = this.#ports
    const refused = new Set(taken)
    for (let attempt = 0; attempt < CLAIM_TRIES_MAX; attempt++) {
      const address = freeAddress(network.subnet, refused, random)
      if (address === undefined) break
      const record = make(address)
      const key = keys.endpoint(network.name, address)
      const put = { put: key, value: endpointCodec.encode(record) }
      const { succeeded, revision } = await store.txn([{ key, exists: false }], [put])
      if (succeeded) {
        this.#held.set(key, { record, modRevision: revision })
        return record
      }
      refused.add(address)
    }
    throw conflict(
      'NO_FREE_ADDRESS',
      `Network ${network.name} (${network.subnet}) has no free address: stop containers, or make it anew with a larger subnet`,
    )
  }

  /** Changes an endpoint, here at once, then in the store. */
  async update(record: EndpointRecord): Promise<void> {
    const { keys, log } = this.#ports
    const key = keys.endpoint(record.network, record.address)
    const held = this.#held.get(key)
    if (held === undefined || this.#leaving.has(key)) return
    this.#held.set(key, { ...held, record })
    if (await this.#write(key, record, held.modRevision)) return
    // Not as we left it: written by a call whose reply was lost, or removed by someone who took us for dead.
    const stored = await this.#ports.store.get(key)
    const owner = stored === undefined ? undefined : endpointCodec.decode(stored.value)
    const isOurs = owner === undefined || (owner.node === record.node && owner.taskId === record.taskId)
    if (isOurs && (await this.#write(key, record, stored?.modRevision))) return
    this.#held.delete(key)
    log.error({ address: record.address, network: record.network, owner: owner?.node }, 'another node has our address')
  }

  /** Gives the address back. It stops to serve here at once, and is free once this resolves. */
  async release(record: EndpointRecord): Promise<void> {
    const { store, keys } = this.#ports
    const key = keys.endpoint(record.network, record.address)
    const held = this.#held.get(key)
    this.#leaving.add(key)
    if (held !== undefined) this.#held.set(key, { ...held, record: { ...record, healthy: false } })
    const stored = await store.get(key)
    const owner = stored === undefined ? undefined : endpointCodec.decode(stored.value)
    if (stored !== undefined && owner?.node === record.node && owner.taskId === record.taskId) {
      await store.txn([{ key, modRevision: stored.modRevision }], [{ delete: key }])
    }
    this.#held.delete(key)
    this.#leaving.delete(key)
  }

  /** Writes again what someone removed from the store. */
  async reassert(key: string): Promise<void> {
    const held = this.#held.get(key)
    if (held !== undefined) await this.update(held.record)
  }

  async #write(key: string, record: EndpointRecord, modRevision: number | undefined): Promise<boolean> {
    const compare = modRevision === undefined ? { key, exists: false } : { key, modRevision }
    const put = { put: key, value: endpointCodec.encode(record) }
    const { succeeded, revision } = await this.#ports.store.txn([compare], [put])
    if (succeeded) this.#held.set(key, { record, modRevision: revision })
    return succeeded
  }
}

/**
 * A free address from a random place on: nodes that choose at the same time seldom meet, and an address just given
 * back is seldom the next to be used, while others may still remember it.
 */
export function freeAddress(subnet: string, taken: ReadonlySet<string>, random: Random): string | undefined {
  const cidr = parseCidr(subnet)
  const count = cidrSize(cidr) - 2
  const start = pickIndex(random, Math.max(1, count))
  for (let step = 0; step < count; step++) {
    const address = formatIpv4(cidr.base + 1 + ((start + step) % count))
    if (!taken.has(address)) return address
  }
  return undefined
}

/** Docker's MAC address for an IPv4 address. Following from the address, it is right in every neighbour's cache. */
export function macFor(address: string): string {
  const hex = address.split('.').map(byte => Number(byte).toString(16).padStart(2, '0'))
  return ['02', '42', ...hex].join(':')
}
