import { conflict, notFound } from '../../core/errors.ts'
import type { NetworkRecord } from '../../core/model/node.ts'
import type { NetworkSpec } from '../../core/model/service.ts'
import { unchanged } from '../loop/transactions.ts'
import { allocateNetwork, takenIn } from './allocate-network.ts'
import type { ApplyPorts } from './apply.ts'
import { endpointsOn } from './endpoints-on.ts'
import type { RemoveNodePorts } from './remove-node.ts'

/** A network over hosts that belongs to no project. */
export type NetworkWish = Pick<NetworkSpec, 'name' | 'internal' | 'labels' | 'subnet'>

const TRIES = 5
/** A transaction takes no more. */
const ENDPOINTS_MAX = 100

/** Makes a network that spans the hosts. Throws 409 `NETWORK_EXISTS`, `SUBNET_TAKEN`, `NO_SUBNET`. */
export async function createNetwork(
  wish: NetworkWish,
  { snapshot, write, keys, clock, pool }: Pick<ApplyPorts, 'snapshot' | 'write' | 'keys' | 'clock' | 'pool'>,
): Promise<NetworkRecord> {
  const { name, internal, labels } = wish
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const seen = snapshot()
    if (seen.networks.has(name)) throw conflict('NETWORK_EXISTS', `network with name ${name} already exists`)
    const place = allocateNetwork({ ...wish, key: name, external: false }, takenIn(seen), pool)
    const record: NetworkRecord = { name, project: '', ...place, internal, labels, createdAtMs: clock.nowMs() }
    const key = keys.network(name)
    const operations = [{ put: key, value: JSON.stringify(record) }]
    if (await write({ compares: [{ key, exists: false }], operations })) return record
  }
  throw busy(name)
}

/**
 * Forgets a network over hosts; agents then take their parts of it away. Addresses on it of nodes that hold no lease go with it, since
 * nobody gives them back, and the next network of this name would have them. Throws 404 `NO_SUCH_NETWORK`.
 */
export async function removeNetwork(
  name: string,
  { snapshot, write, keys, store, fence }: RemoveNodePorts,
): Promise<void> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const { networks, members } = snapshot()
    const record = networks.get(name)
    if (record === undefined) throw notFound('NO_SUCH_NETWORK', `network ${name} not found`)
    const endpoints = await endpointsOn(name, { store, keys })
    // What nobody can read is nobody's.
    const left = endpoints.flatMap(({ key, record }) => (members.has(record?.node ?? '') ? [] : [{ delete: key }]))
    for (let start = ENDPOINTS_MAX; start < left.length; start += ENDPOINTS_MAX) {
      await store.txn([fence, unchanged(record)], left.slice(start, start + ENDPOINTS_MAX))
    }
    const operations = [{ delete: record.key }, ...left.slice(0, ENDPOINTS_MAX)]
    if (await write({ compares: [unchanged(record)], operations })) return
  }
  throw busy(name)
}

function busy(name: string): Error {
  return conflict('BUSY', `Cannot change network ${name}: it is being changed by others all the time; try again`)
}
