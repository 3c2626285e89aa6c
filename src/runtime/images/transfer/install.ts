import { sha256Digest } from '../../../core/digest.ts'
import { mapParallel } from '../../../core/parallel.ts'
import { checkLayerCount, type ImageConfig, parseConfig } from '../format/image-config.ts'
import type { Descriptor, Manifest } from '../format/manifest.ts'
import { syncFileSystem } from '../store/files.ts'
import { hasLayerBlob } from '../store/layer-blob.ts'
import type { UnpackedLayer } from '../store/layer-store.ts'
import type { StoreParts } from '../store/store-parts.ts'
import type { LayerReport } from './layer-report.ts'

/** Docker's --max-concurrent-downloads is 3; the fourth unpacks while they wait for the network. */

export interface ImageSource {
  readonly manifest: Manifest
  readonly manifestBytes: Buffer
  readonly mediaType: string
}

export interface InstallOptions {
  /** Brings a blob into the store, checked; it may be there already. */
  readonly fetchBlob: (blob: Descriptor) => Promise<void>
  readonly report: LayerReport
  readonly signal: AbortSignal
  /** Names the image gets at the moment in which it becomes visible. */
  readonly names?: readonly string[]
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
      await installLayers(parts, layersOf(manifest, config), options)
      options.signal.throwIfAborted()
      await parts.blobs.putBytes(manifestBytes)
      await parts.catalog.put({
        id,
        manifest: { digest, size: manifestBytes.length, mediaType },
        layers: layersOf(manifest, config),
        hidden: false,
      })
      const { names = [] } = options
      if (names.length > 0) await parts.catalog.changeNames(all => names.forEach(name => void all.set(name, id)))
      return id
    })
  }
  return parts.leases.hold(held, () => parts.installing.run(id, install))
}

type Layer = Descriptor & { readonly diffId: string }

/** Fetches and unpacks what is missing; layers become visible together, when all of them are on the disk. */
async function installLayers(
  parts: StoreParts,
  layers: readonly Layer[],
  { fetchBlob, report, signal }: InstallOptions,
): Promise<void> {
  const missing: Layer[] = []
  for (const layer of new Map(layers.map(layer => [layer.diffId, layer])).values()) {
    const there = parts.layers.get(layer.diffId) !== undefined
    if (there && (await hasLayerBlob(parts, layer.digest))) report.exists(layer)
    else missing.push(layer)
  }
  for (const layer of missing) report.queued(layer)
  const unpacked: UnpackedLayer[] = []
  try {
    await mapParallel(missing, parts.atOnce.downloads, async layer => {
      signal.throwIfAborted()
      await fetchBlob(layer)
      report.fetched(layer)
      // Another image may have brought it meanwhile.
      if (parts.layers.get(layer.diffId) === undefined) {
        const options = { signal, onRead: report.unpacking(layer) }
        unpacked.push(await parts.layers.unpack(layer, layer.diffId, options))
      }
      report.done(layer)
    })
    if (unpacked.length > 0) await syncFileSystem(parts.layout.root, parts.clock)
    for (const layer of unpacked) await parts.layers.commit(layer)
  } catch (error) {
    for (const layer of unpacked) await parts.layers.discard(layer)
    throw error
  }
}

function layersOf({ layers }: Manifest, { rootfs }: ImageConfig): readonly Layer[] {
  return layers.map(({ mediaType, digest, size }, index) => ({
    mediaType,
    digest,
    size,
    diffId: rootfs.diff_ids[index] ?? '',
  }))
}
