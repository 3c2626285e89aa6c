import type { BuildCachePruned } from '../../docker-api/index.ts'
import type { ImageStore } from '../images/index.ts'
import type { BuildCache } from './cache/build-cache.ts'
import type { MountCaches } from './steps/mount-caches.ts'

/** Forgets what builds keep for the next ones. Layers that an image or a container uses stay. */
export async function pruneBuildCache({
  cache,
  mountCaches,
  store,
}: {
  readonly cache: BuildCache
  readonly mountCaches: MountCaches
  readonly store: Pick<ImageStore, 'dropLayers'>
}): Promise<BuildCachePruned> {
  const steps = await cache.clear()
  const layers = [...steps.values()].flatMap(({ layer }) => layer ?? [])
  const { bytes } = await store.dropLayers(layers)
  const mounts = await mountCaches.clear()
  const deleted = [...steps.keys(), ...mounts.names]
  return { CachesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: bytes + mounts.bytes }
}
