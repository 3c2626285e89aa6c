import { type Clock, withDeadline } from '../core/clock.ts'
import { conflict, failed, notFound } from '../core/errors.ts'
import type { ClusterMeta, MemberRecord } from '../core/model/node.ts'
import { newHexId, type Random } from '../core/random.ts'
import type { ClusterKeys } from './keys.ts'
import { memberCodec, metaCodec } from './records.ts'
import type { Store } from './store.ts'

/** Version of the layout in the store that this program writes and understands. */
const FORMAT_VERSION = 1

/**
 * What `swarm create` does: gives the cluster its identity. A cluster that exists keeps its own (`created: false`).
 * Throws CLUSTER_TOO_NEW if a newer Shoal wrote it.
 */
export async function createCluster(
  store: Store,
  keys: ClusterKeys,
  { clock, random, clusterId }: { readonly clock: Clock; readonly random: Random; readonly clusterId?: string },
): Promise<{ readonly meta: ClusterMeta; readonly created: boolean }> {
  const meta: ClusterMeta = {
    clusterId: clusterId ?? newHexId(random).slice(0, 32),
    formatVersion: FORMAT_VERSION,
    createdAtMs: clock.nowMs(),
  }
  const written = await store.txn(
    [{ key: keys.meta, exists: false }],
    [{ put: keys.meta, value: metaCodec.encode(meta) }],
  )
  if (written.succeeded) return { meta, created: true }
  const existing = await readCluster(store, keys)
  if (existing === undefined)
    return createCluster(store, keys, { clock, random, ...(clusterId === undefined ? {} : { clusterId }) })
  return { meta: existing, created: false }
}

/** Undefined if nothing was created there. */
export async function readCluster(store: Store, keys: ClusterKeys): Promise<ClusterMeta | undefined> {
  const kv = await store.get(keys.meta)
  if (kv === undefined) return undefined
  const meta = metaCodec.decode(kv.value)
  if (meta.formatVersion > FORMAT_VERSION) {
    throw conflict(
      'CLUSTER_TOO_NEW',
      `The cluster under ${keys.root} has format ${meta.formatVersion}, and this Shoal knows up to ${FORMAT_VERSION}: upgrade it`,
    )
  }
  return meta
}

/** Like {@link readCluster}; throws NO_CLUSTER if there is none. */
export async function requireCluster(store: Store, keys: ClusterKeys): Promise<ClusterMeta> {
  const meta = await readCluster(store, keys)
  if (meta !== undefined) return meta
  throw notFound('NO_CLUSTER', `There is no cluster under ${keys.root} yet: make it with swarm create or swarm manage`)
}

/** What `swarm list` prints: the members present, by name. Throws TIMED_OUT after `timeoutMs`. Bad records are left out. */
export async function listMembers(
  store: Store,
  keys: ClusterKeys,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<readonly MemberRecord[]> {
  const { items } = await withDeadline(() => store.list(keys.members), timeoutMs, {
    clock,
    onTimeout: () => failed('TIMED_OUT', 'Timed out'),
  })
  return items.flatMap(({ value }) => {
    try {
      return [memberCodec.decode(value)]
    } catch {
      return []
    }
  })
}
