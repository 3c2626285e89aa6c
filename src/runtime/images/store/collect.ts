import type { LayerRef } from '../contract.ts'
import type { ImageRecord } from './image-catalog.ts'
import { UNFINISHED_KEPT_MS } from './layout.ts'
import type { StoreParts } from './store-parts.ts'

/** Layers that writable layers of containers stand on. */
export type UsedLayers = () => ReadonlySet<string>

/** Removes an image's record, and every blob and layer that nothing else needs. Resolves with the removed layers. */
export async function dropImage(
  parts: StoreParts,
  image: ImageRecord,
  usedByRoots: UsedLayers,
): Promise<readonly string[]> {
  await parts.catalog.remove(image.id)
  const blobs = [image.id, image.manifest.digest, ...image.layers.map(layer => layer.digest)]
  const layers = image.layers.map(layer => layer.diffId)
  return removeUnused(parts, { blobs, layers }, usedByRoots)
}

/** What a crash, an aborted pull or a failed build left behind long ago; steps of builds go at once. */
export async function collectAtStart(parts: StoreParts, usedByRoots: UsedLayers): Promise<void> {
  for (const image of parts.catalog.list()) {
    if (image.hidden) await parts.catalog.remove(image.id)
  }
  const beforeMs = parts.clock.nowMs() - UNFINISHED_KEPT_MS
  const blobs = await parts.blobs.olderThan(beforeMs)
  const layers = await parts.layers.olderThan(beforeMs)
  await removeUnused(parts, { blobs, layers }, usedByRoots)
}

/** Deletes those of the layers that nothing uses. Resolves with the bytes they took, packed and unpacked. */
export async function dropLayers(
  parts: StoreParts,
  layers: readonly LayerRef[],
  usedByRoots: UsedLayers,
): Promise<{ readonly bytes: number }> {
  const sizes = new Map<string, number>()
  for (const { diffId, digest } of layers) {
    sizes.set(diffId, ((await parts.blobs.sizeOf(digest)) ?? 0) + parts.layers.unpackedBytes(diffId))
  }
  const there = layers.filter(({ diffId }) => parts.layers.get(diffId) !== undefined).map(({ diffId }) => diffId)
  const blobs = layers.map(({ digest }) => digest)
  const removed = await removeUnused(parts, { blobs, layers: there }, usedByRoots)
  return { bytes: removed.reduce((sum, diffId) => sum + (sizes.get(diffId) ?? 0), 0) }
}

async function removeUnused(
  parts: StoreParts,
  { blobs, layers }: { readonly blobs: readonly string[]; readonly layers: readonly string[] },
  usedByRoots: UsedLayers,
): Promise<readonly string[]> {
  const layerUsed = (diffId: string): boolean =>
    parts.leases.holds(diffId) ||
    usedByRoots().has(diffId) ||
    parts.catalog.list().some(image => image.layers.some(layer => layer.diffId === diffId))
  const blobUsed = (digest: string): boolean =>
    parts.leases.holds(digest) ||
    parts.catalog
      .list()
      .some(({ id, manifest, layers }) => [id, manifest.digest, ...layers.map(it => it.digest)].includes(digest))
  const removed: string[] = []
  for (const diffId of new Set(layers)) {
    await parts.layers.remove(diffId, () => layerUsed(diffId))
    if (parts.layers.get(diffId) === undefined) removed.push(diffId)
  }
  for (const digest of new Set(blobs)) {
    if (!blobUsed(digest)) parts.blobs.remove(digest)
  }
  return removed
}
