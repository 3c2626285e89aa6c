import { sha256Digest } from '../../core/digest.ts'
import { notFound } from '../../core/errors.ts'
import { parseImageReference } from '../../core/image-reference.ts'
import type { LayerRef, LayerSource, NewImage } from './contract.ts'
import { encodeManifest, MEDIA_TYPES } from './format/manifest.ts'
import { keepTree } from './keep-layer.ts'
import { encodeConfig } from './new-image.ts'
import { newTagName } from './store/image-catalog.ts'
import type { StoreParts } from './store/store-parts.ts'
import { packTree } from './tar/pack.ts'
import { PIECE_BYTES } from './tar/pack-entry.ts'

/** Packs a directory as a layer blob, and unpacks it meanwhile as what containers mount. */
export function addLayer(
  parts: StoreParts,
  { directory, kind, ...options }: LayerSource,
  signal?: AbortSignal,
): Promise<LayerRef> {
  // Each piece is unpacked, digested and copied before the next is read.
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
  return keepTree(parts, packTree(directory, { whiteouts: kind === 'upper', ...options, room: () => piece }), signal)
}

/** Makes an image of layers that are in the store. Equal input gives an equal id. */
export async function createImage(parts: StoreParts, image: NewImage): Promise<string> {
  const names = image.tags.map(tag => newTagName(parseImageReference(tag)))
  for (const { diffId } of image.layers) {
    if (parts.layers.get(diffId) === undefined) {
      throw notFound('NO_SUCH_LAYER', `The layer ${diffId} is not in the store: add it before making an image of it`)
    }
  }
  const config = encodeConfig(image)
  const known = parts.catalog.get(sha256Digest(config))
  const isKnown = known?.hidden === false && (image.parent === undefined || known.parent === image.parent)
  const id = isKnown ? known.id : await putImage(parts, image, config)
  if (names.length > 0) await parts.catalog.changeNames(all => names.forEach(name => void all.set(name, id)))
  return id
}

async function putImage(parts: StoreParts, image: NewImage, config: Buffer): Promise<string> {
  const id = await parts.blobs.putBytes(config)
  const manifest = encodeManifest({ mediaType: MEDIA_TYPES.ociConfig, digest: id, size: config.length }, image.layers)
  const digest = await parts.blobs.putBytes(manifest)
  await parts.catalog.put({
    id,
    manifest: { mediaType: MEDIA_TYPES.ociManifest, digest, size: manifest.length },
    layers: image.layers,
    hidden: image.hidden ?? false,
    ...(image.parent === undefined ? {} : { parent: image.parent }),
  })
  return id
}
