import { conflict } from '../core/errors.ts'
import { newHexId } from '../core/random.ts'
import { metaCodec } from '../discovery/index.ts'
import type { AgentPorts } from './ports.ts'

const FORMAT_VERSION = 1

/**
 * Finds which cluster the store holds, or begins one in an empty store, and resolves with its id.
 *
 * An agent that has belonged to a cluster never enters another one, nor an empty store: it would find none of its tasks
 * there and remove every container. Throws FOREIGN_CLUSTER, CLUSTER_LOST or STORE_FORMAT instead.
 */
export async function joinCluster(
  known: string | undefined,
  { store, keys, clock, random }: Pick<AgentPorts, 'store' | 'keys' | 'clock' | 'random'>,
): Promise<string> {
  while (true) {
    const found = await store.get(keys.meta)
    if (found !== undefined) return check(metaCodec.decode(found.value), known)
    if (known !== undefined) {
      throw conflict(
        'CLUSTER_LOST',
        `The store is empty, but this data directory belongs to cluster ${known}: restore the store from a backup, or join with an empty --data-root`,
      )
    }
    const meta = { clusterId: newHexId(random).slice(0, 32), formatVersion: FORMAT_VERSION, createdAtMs: clock.nowMs() }
    await store.txn([{ key: keys.meta, exists: false }], [{ put: keys.meta, value: metaCodec.encode(meta) }])
  }
}

function check(meta: { clusterId: string; formatVersion: number }, known: string | undefined): string {
  if (meta.formatVersion > FORMAT_VERSION) {
    throw conflict(
      'STORE_FORMAT',
      `The store was written by a newer version (format ${meta.formatVersion}, this agent knows ${FORMAT_VERSION}): upgrade this node`,
    )
  }
  if (known !== undefined && known !== meta.clusterId) {
    throw conflict(
      'FOREIGN_CLUSTER',
      `This data directory belongs to cluster ${known}, and the store to ${meta.clusterId}: join with an empty --data-root, or with the URL of the old cluster`,
    )
  }
  return meta.clusterId
}
