import { sha256Digest } from '../../../core/digest.ts'
import { mapParallel } from '../../../core/parallel.ts'
import { checkLayerCount, type Descriptor, type ImageConfig, type Manifest, parseConfig } from '../manifest.ts'
import { syncFileSystem } from '../store/files.ts'
import type { UnpackedLayer } from '../store/layer-store.ts'
import type { StoreParts } from '../store/store-parts.ts'
import { type OnProgress, shortDigest } from './progress.ts'

const LAYERS_AT_ONCE = 4

export interface ImageSource {
  readonly manifest: Manifest
  readonly manifestBytes: Buffer
  readonly mediaType: string
}

export interface InstallOptions {
  /** Brings a blob into the store, checked; it may be there already. */
  readonly fetchBlob: (blob: Descriptor) => Promise<void>
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
}

/**
 * Brings an image in from anywhere: config, layers in parallel, then the record, which makes it visible. A crash before
 * that leaves only what the next start removes or the next pull goes on with.
 */
export async function installImage(parts: StoreParts, source: ImageSource, options: InstallOptions): Promise<string> {
  const { manifest, manifestBytes, mediaType } = source
  const id = manifest.config.digest
  const digest = sha256Digest(manifestBytes)
  const held = [digest, id, ...manifest.layers.map(layer => layer.digest)]
  const install = async (): Promise<string> => {
    await options.fetchBlob(manifest.config)
    const config = parseConfig(await parts.blobs.read(id))
    checkLayerCount(config, manifest)
    return parts.leases.hold(config.rootfs.diff_ids, async () => {
      await installLayers(parts, { manifest, config }, options)
      await parts.blobs.putBytes(manifestBytes)
      await parts.catalog.put({
        id,
        manifest: { digest, size: manifestBytes.length, mediaType },
        layers: manifest.layers.map((layer, index) => layerRef(layer, config.rootfs.diff_ids[index] ?? '')),
        hidden: false,
      })
      return id
    })
  }
  return parts.leases.hold(held, () => parts.installing.run(id, install))
}

/** Fetches and unpacks what is missing; layers become visible together, when all of them are on the disk. */
async function installLayers(
  parts: StoreParts,
  { manifest, config }: { readonly manifest: Manifest; readonly config: ImageConfig },
  { fetchBlob, onProgress, signal }: InstallOptions,
): Promise<void> {
  const unpacked: UnpackedLayer[] = []
  const layers = new Map(manifest.layers.map((layer, index) => [config.rootfs.diff_ids[index] ?? '', layer]))
  for (const { digest } of layers.values()) {
    onProgress({ status: 'Pulling fs layer', progressDetail: {}, id: shortDigest(digest) })
  }
  try {
    await mapParallel([...layers], LAYERS_AT_ONCE, async ([diffId, layer]) => {
      const id = shortDigest(layer.digest)
      const there = parts.layers.get(diffId) !== undefined
      if (there && (await parts.blobs.sizeOf(layer.digest)) !== undefined) {
        return onProgress({ status: 'Already exists', progressDetail: {}, id })
      }
      await fetchBlob(layer)
      onProgress({ status: 'Verifying Checksum', progressDetail: {}, id })
      onProgress({ status: 'Download complete', progressDetail: {}, id })
      if (!there) {
        onProgress({ status: 'Extracting', progressDetail: { current: 0, total: layer.size }, id })
        unpacked.push(await parts.layers.unpack(layer, diffId, signal))
      }
      onProgress({ status: 'Pull complete', progressDetail: {}, id })
    })
    if (unpacked.length > 0) await syncFileSystem(parts.layout.root, parts.clock)
    for (const layer of unpacked) await parts.layers.commit(layer)
  } catch (error) {
    for (const layer of unpacked) await parts.layers.discard(layer)
    throw error
  }
}

function layerRef({ mediaType, digest, size }: Descriptor, diffId: string): Descriptor & { readonly diffId: string } {
  return { mediaType, digest, size, diffId }
}
