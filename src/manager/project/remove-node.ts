import { conflict, notFound } from '../../core/errors.ts'
import { type Compare, endpointCodec, type Operation, type Store, volumeCodec } from '../../discovery/index.ts'
import { unchanged } from '../loop/transactions.ts'
import type { Snapshot, Stored, StoredVolume } from '../model/snapshot.ts'
import type { ApplyPorts } from './apply.ts'

export interface RemoveNodePorts extends Pick<ApplyPorts, 'snapshot' | 'write' | 'keys'> {
  readonly store: Pick<Store, 'list' | 'txn'>
  /** Holds only while this manager leads. */
  readonly fence: Compare
}

export interface NodeRemoval {
  readonly node: string
  /** Whose data was there, and which will be made anew elsewhere. */
  readonly volumes: readonly string[]
}

const TRIES = 5
const ENDPOINTS_PER_WRITE = 100

/**
 * Forgets a node that is down: its record, the addresses it held, and, by force, that volumes have their data there. Throws 404
 * `NO_SUCH_NODE`, 409 `NODE_IS_UP`, 409 `NODE_HAS_VOLUMES` without force.
 */
export async function removeNode(
  name: string,
  { force, dryRun }: { readonly force: boolean; readonly dryRun: boolean },
  ports: RemoveNodePorts,
): Promise<NodeRemoval> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const snapshot = ports.snapshot()
    const record = snapshot.nodes.get(name)
    if (record === undefined) throw notFound('NO_SUCH_NODE', `No such node: ${name}`)
    const volumes = volumesOn(name, snapshot)
    refuse(name, volumes, { isUp: snapshot.members.has(name), force })
    const result = { node: name, volumes: volumes.map(({ value }) => value.name) }
    if (dryRun) return result
    await releaseEndpoints(name, ports)
    const written = await ports.write({
      compares: [unchanged(record), { key: ports.keys.member(name), exists: false }, ...volumes.map(unchanged)],
      operations: [{ delete: record.key }, ...volumes.map(unpin)],
    })
    if (written) return result
  }
  throw conflict('BUSY', `Cannot remove node ${name}: it is being changed by others all the time; try again`)
}

function refuse(
  name: string,
  volumes: readonly Stored<StoredVolume>[],
  { isUp, force }: { readonly isUp: boolean; readonly force: boolean },
): void {
  const refused = { details: { refused: true } }
  if (isUp) {
    throw conflict('NODE_IS_UP', `Cannot remove node ${name}: it is up; run swarm leave there first`, refused)
  }
  if (force || volumes.length === 0) return
  const names = volumes.map(({ value }) => value.name).join(', ')
  throw conflict(
    'NODE_HAS_VOLUMES',
    `Cannot remove node ${name}: it holds the data of ${names}, and services that use it wait for the node; say --force to give the data up and start them empty on other nodes`,
    refused,
  )
}

function volumesOn(name: string, { volumes }: Snapshot): Stored<StoredVolume>[] {
  return [...volumes.values()].filter(({ value }) => value.node === name)
}

function unpin({ key, value }: Stored<StoredVolume>): Operation {
  const { node: _, ...volume } = value
  return { put: key, value: volumeCodec.encode(volume) }
}

/** Only the agent itself gives its addresses back, and it is gone. */
async function releaseEndpoints(name: string, { store, keys, fence }: RemoveNodePorts): Promise<void> {
  const { items } = await store.list(keys.endpoints)
  const own = items.filter(({ value }) => {
    try {
      return endpointCodec.decode(value).node === name
    } catch {
      return false
    }
  })
  const gone: Compare = { key: keys.member(name), exists: false }
  for (let start = 0; start < own.length; start += ENDPOINTS_PER_WRITE) {
    const batch = own.slice(start, start + ENDPOINTS_PER_WRITE)
    await store.txn(
      [fence, gone],
      batch.map(({ key }) => ({ delete: key })),
    )
  }
}
