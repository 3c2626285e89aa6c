import type { Clock } from '../../../core/clock.ts'
import type { KeyedLock } from '../../../core/keyed-lock.ts'
import type { Log } from '../../../core/log.ts'
import type { Random } from '../../../core/random.ts'
import type { SharedWork } from '../transfer/shared-work.ts'
import type { BlobStore } from './blob-store.ts'
import type { ImageCatalog } from './image-catalog.ts'
import type { LayerStore } from './layer-store.ts'
import type { Layout } from './layout.ts'
import type { Leases } from './leases.ts'

/** The pieces of one open store, passed to the functions that work on it. */
export interface StoreParts {
  readonly layout: Layout
  readonly blobs: BlobStore
  readonly layers: LayerStore
  readonly catalog: ImageCatalog
  readonly leases: Leases
  /** By image id: an image comes in, or goes, once at a time. */
  readonly installing: KeyedLock
  /** Pulls that are under way, for others who want the same. */
  readonly pulling: SharedWork<string>
  /** Layers of one image that are transferred at a time. */
  readonly atOnce: { readonly downloads: number; readonly uploads: number }
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}
