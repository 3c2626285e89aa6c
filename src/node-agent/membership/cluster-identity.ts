import { conflict } from '../../core/errors.ts'
import { createCluster, readCluster } from '../../discovery/index.ts'
import type { AgentPorts } from '../ports.ts'

/**
 * Finds which cluster the store holds, or begins one in an empty store, and resolves with its id.
 *
 * An agent that has belonged to a cluster never enters another one, nor an empty store: it would find none of its tasks
 * there and remove every container. Throws FOREIGN_CLUSTER or CLUSTER_LOST instead; CLUSTER_TOO_NEW if a newer Shoal
 * wrote the store.
 */
export async function joinCluster(
  known: string | undefined,
  { store, keys, clock, random }: Pick<AgentPorts, 'store' | 'keys' | 'clock' | 'random'>,
): Promise<string> {
  const found = await readCluster(store, keys)
  // Read first: where nodes may write nothing but their own, there is a cluster already.
  if (known === undefined) return (found ?? (await createCluster(store, keys, { clock, random })).meta).clusterId
  if (found === undefined) {
    throw conflict(
      'CLUSTER_LOST',
      `The store is empty, but this data directory belongs to cluster ${known}: restore the store from a backup, or join with an empty --data-root`,
    )
  }
  if (found.clusterId !== known) {
    throw conflict(
      'FOREIGN_CLUSTER',
      `This data directory belongs to cluster ${known}, and the store to ${found.clusterId}: join with an empty --data-root, or with the URL of the old cluster`,
    )
  }
  return known
}
