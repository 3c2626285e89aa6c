import type { BuildCachePruned } from '../../docker-api/index.ts'
import type { ImageStore } from '../images/index.ts'
import type { BuildCache } from './cache/build-cache.ts'
import type { MountCaches } from './steps/mount-caches.ts'

/**
 * Forgets what builds keep for the next ones. Layers that an image or a container uses stay, and while a build goes on all
 * of them: some may be what it has come to.
 */
export async function pruneBuildCache({
  cache,
  mountCaches,
  store,
  running,
}: {
  readonly cache: BuildCache
  readonly mountCaches: MountCaches
  readonly store: Pick<ImageStore, 'dropLayers'>
  readonly running: ReadonlySet<string>
}): Promise<BuildCachePruned> {
  const steps = await cache.clear()
  const layers = [...steps.values()].flatMap(({ layer }) => layer ?? [])
  const { bytes } = await store.dropLayers(running.size === 0 ? layers : [])
  const mounts = await mountCaches.clear()
  const deleted = [...steps.keys(), ...mounts.names]
  return { CachesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: bytes + mounts.bytes }
}
