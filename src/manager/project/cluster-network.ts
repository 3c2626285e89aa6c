import { conflict, notFound } from '../../core/errors.ts'
import type { NetworkRecord } from '../../core/model/node.ts'
import type { NetworkSpec } from '../../core/model/service.ts'
import { unchanged } from '../loop/transactions.ts'
import { allocateNetwork, takenIn } from './allocate-network.ts'
import type { ApplyPorts } from './apply.ts'

/** A network over hosts that belongs to no project. */
export type NetworkWish = Pick<NetworkSpec, 'name' | 'internal' | 'labels' | 'subnet'>

const TRIES = 5

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

/** Forgets a network over hosts; agents then take their parts of it away. Throws 404 `NO_SUCH_NETWORK`. */
export async function removeNetwork(
  name: string,
  { snapshot, write }: Pick<ApplyPorts, 'snapshot' | 'write'>,
): Promise<void> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const record = snapshot().networks.get(name)
    if (record === undefined) throw notFound('NO_SUCH_NETWORK', `network ${name} not found`)
    if (await write({ compares: [unchanged(record)], operations: [{ delete: record.key }] })) return
  }
  throw busy(name)
}

function busy(name: string): Error {
  return conflict('BUSY', `Cannot change network ${name}: it is being changed by others all the time; try again`)
}
