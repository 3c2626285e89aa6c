import { KeyedLock } from '../../core/keyed-lock.ts'
import { addLayer, createImage } from './author.ts'
import type { ImageStore, ImageStoreOptions, ImageStorePorts } from './contract.ts'
import { imageOperations } from './image-operations.ts'
import { ContainerOverlays } from './roots.ts'
import { BlobStore } from './store/blob-store.ts'
import { collectAtStart, dropLayers } from './store/collect.ts'
import { ImageCatalog } from './store/image-catalog.ts'
import { LayerStore } from './store/layer-store.ts'
import { openLayout } from './store/layout.ts'
import { Leases } from './store/leases.ts'
import type { StoreParts } from './store/store-parts.ts'
import { UnpackPool } from './tar/unpack-pool.ts'
import { SharedWork } from './transfer/shared-work.ts'

const DOWNLOADS_AT_ONCE = 4
const UPLOADS_AT_ONCE = 5

function atOnce({ downloadsAtOnce, uploadsAtOnce }: ImageStoreOptions): StoreParts['atOnce'] {
  return { downloads: downloadsAtOnce ?? DOWNLOADS_AT_ONCE, uploads: uploadsAtOnce ?? UPLOADS_AT_ONCE }
}

/**
 * Opens (or makes) the image store below a data root, and clears away what a crash left half done.
 * Throws DATA_ROOT_FORMAT if the data root was written by a version whose format we do not know.
 */
export async function createImageStore(options: ImageStoreOptions, ports: ImageStorePorts): Promise<ImageStore> {
  const { clock, random, log } = ports
  const layout = await openLayout(options.dataRoot, clock)
  const blobs = new BlobStore(layout)
  const pool = new UnpackPool(clock)
  const layers = await LayerStore.open({ layout, blobs, random, pool })
  const catalog = await ImageCatalog.open(layout, blobs, clock)
  const work = {
    leases: new Leases(),
    installing: new KeyedLock(),
    pulling: new SharedWork<string>(),
    atOnce: atOnce(options),
  }
  const parts: StoreParts = { layout, blobs, layers, catalog, ...work, clock, random, log }
  const roots = await ContainerOverlays.open(parts)
  const usedByRoots = (): ReadonlySet<string> => roots.usedLayers()
  await collectAtStart(parts, usedByRoots)
  return {
    close: () => pool.close(),
    roots,
    images: imageOperations(parts, { ...ports, options, usersOf: ports.usersOf ?? (() => []), usedByRoots }),
    addLayer: (source, signal) => addLayer(parts, source, signal),
    findLayer: diffId => layers.get(diffId),
    createImage: image => createImage(parts, image),
    forget: async imageId => {
      if (catalog.get(imageId)?.hidden === true) await catalog.remove(imageId)
    },
    dropLayers: dropped => dropLayers(parts, dropped, usedByRoots),
    describe: async reference => {
      const record = catalog.find(reference)
      const { config = {}, history = [], created, author } = await catalog.config(record.id)
      const { tags } = catalog.namesOf(record.id)
      const createdMs = Date.parse(created ?? '') || 0
      const named = author === undefined ? {} : { author }
      return { id: record.id, layers: record.layers, config, history, createdMs, tags, ...named }
    },
    importRoot: async (directory, { config, tags }) => {
      const layer = await addLayer(parts, { directory, kind: 'tree', mtimeMaxSeconds: 0 })
      return createImage(parts, { layers: [layer], config, tags })
    },
  }
}
