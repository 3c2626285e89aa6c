import { join } from 'node:path'
import { notFound } from '../../../core/errors.ts'
import { newShortId } from '../../../core/random.ts'
import type { LayerRef } from '../contract.ts'
import { encodeManifest, MEDIA_TYPES } from '../format/manifest.ts'
import { packInto } from '../pack-blob.ts'
import { syncFileSystem } from '../store/files.ts'
import type { ImageRecord } from '../store/image-catalog.ts'
import { tarOfLayer } from '../store/layer-blob.ts'
import type { StoreParts } from '../store/store-parts.ts'

/**
 * Packs those layers of an image that are only kept unpacked, as `commit` leaves them: a registry should get few bytes, and keeps
 * them. The image consists of the packed ones from then on; its id is the same. Throws NO_SUCH_IMAGE if it is gone by now.
 */
export async function packLayers(parts: StoreParts, image: ImageRecord, signal: AbortSignal): Promise<ImageRecord> {
  if (!(await isPartlyPacked(parts, image))) return image
  return parts.installing.run(image.id, async () => {
    const current = parts.catalog.get(image.id)
    if (current === undefined) throw notFound('NO_SUCH_IMAGE', `No such image: ${image.id}`)
    // Somebody else may have pushed it meanwhile.
    if (!(await isPartlyPacked(parts, current))) return current
    using held = new DisposableStack()
    const layers: LayerRef[] = []
    for (const layer of current.layers) {
      const packed = (await isUnpackedOnly(parts, layer)) ? await packLayer(parts, layer, signal) : layer
      held.use(parts.leases.take([packed.digest]))
      layers.push(packed)
    }
    await syncFileSystem(parts.layout.root, parts.clock)
    const size = (await parts.blobs.sizeOf(image.id)) ?? 0
    const manifest = encodeManifest({ mediaType: MEDIA_TYPES.ociConfig, digest: image.id, size }, layers)
    const digest = await parts.blobs.putBytes(manifest)
    const pointer = { mediaType: MEDIA_TYPES.ociManifest, digest, size: manifest.length }
    const record = { ...current, layers, manifest: pointer }
    await parts.catalog.put(record)
    return record
  })
}

async function isPartlyPacked(parts: StoreParts, { layers }: ImageRecord): Promise<boolean> {
  for (const layer of layers) if (await isUnpackedOnly(parts, layer)) return true
  return false
}

async function isUnpackedOnly({ blobs }: StoreParts, { digest, diffId }: LayerRef): Promise<boolean> {
  return digest === diffId && (await blobs.sizeOf(digest)) === undefined
}

function packLayer(parts: StoreParts, { diffId }: LayerRef, signal: AbortSignal): Promise<LayerRef> {
  const path = join(parts.layout.scratch, newShortId(parts.random))
  return packInto(path, { tar: tarOfLayer(parts, diffId), signal }, async packed => {
    await parts.blobs.adopt(path, packed.digest)
    return { ...packed, mediaType: MEDIA_TYPES.ociLayerGzip }
  })
}
