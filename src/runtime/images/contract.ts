import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { ContainerConfig, ImageOperations } from '../../docker-api/index.ts'
import type { ContainerRoots } from '../ports.ts'

export interface RegistrySettings {
  /** `host`, `host:port` or subnets whose registries may speak plain HTTP or show unknown certificates; loopback always may. */
  readonly insecureRegistries: readonly string[]
  /** Base URLs that are asked first for images of docker.io. */
  readonly registryMirrors: readonly string[]
}

export interface ImageStoreOptions extends RegistrySettings {
  /** The engine's data root; everything of ours lies in `images/` and `roots/` below it. */
  readonly dataRoot: string
  /** Asked for settings that have changed meanwhile. */
  readonly registries?: () => RegistrySettings
  /** Layers of one image that are pulled and pushed at a time; absent: 4 and 5. */
  readonly downloadsAtOnce?: number
  readonly uploadsAtOnce?: number
  /** Certificates of registries, a directory for each host; absent: Docker's. */
  readonly registryCertificates?: string
}

/** A container made from an image, as far as removing the image is concerned. */
export interface ImageUser {
  readonly containerId: string
  readonly running: boolean
}

export interface ImageStorePorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** What happened to an image, for Docker's events; `image` is its id, or the name in a transfer. */
  readonly emit?: (action: string, image: string, attributes: Readonly<Record<string, string>>) => void
  /** Applies Dockerfile instructions to a config, for imports. Throws 400 for those that are none. */
  readonly applyChanges?: (config: ContainerConfig, changes: readonly string[]) => ContainerConfig
  /** Which containers use an image; asked when an image is to be removed. Absent: none. */
  readonly usersOf?: (imageId: string) => readonly ImageUser[]
}

/**
 * A layer in the store: its packed form (a blob) and its unpacked form (a directory named by the diff id). A blob that is a plain
 * tar need not be kept: the unpacked form gives it again.
 */
export interface LayerRef {
  /** Digest of the uncompressed tar. */
  readonly diffId: string
  /** Digest of the blob, as registries know it. */
  readonly digest: string
  /** Bytes of the blob. */
  readonly size: number
  readonly mediaType: string
}

export interface HistoryEntry {
  readonly created?: string
  readonly created_by?: string
  readonly author?: string
  readonly comment?: string
  readonly empty_layer?: boolean
}

/** What an image tells of the container it was made of, as Docker's do. */
export interface ImageOrigin {
  readonly engineVersion: string
  readonly containerId: string
  readonly containerConfig: ContainerConfig
}

export interface NewImage {
  readonly layers: readonly LayerRef[]
  readonly config: ContainerConfig
  readonly history?: readonly HistoryEntry[]
  /** Milliseconds since 1970; absent: 0, so that equal content gives an equal id. */
  readonly createdMs?: number
  readonly author?: string
  /** Absent for what is built: equal input gives equal images, whatever container a step ran in. */
  readonly origin?: ImageOrigin
  /** Names the image gets; existing ones move to it. */
  readonly tags: readonly string[]
  /** The image it was made from, if it was made here: it stays as long as this one, and goes with it if it has no name. */
  readonly parent?: string
  /** A step of a build that is no image for anybody else: not listed, forgotten at the next start. */
  readonly hidden?: boolean
}

export interface LayerSource {
  readonly directory: string
  /** `tree`: everything below the directory. `upper`: an overlay's upper directory, whose whiteouts become deletions. */
  readonly kind: 'tree' | 'upper'
  /** Seconds since 1970 given to every entry whose own time is later, so that equal content gives an equal digest. */
  readonly mtimeMaxSeconds?: number
  /** Something may change the directory meanwhile: what is gone when its turn comes is left out. */
  readonly live?: boolean
  /** Paths below the directory that are left out with all below them. */
  readonly skips?: (path: string) => boolean
  /** Keep no blob: it is packed when somebody wants it. For what may never leave this host. */
  readonly packLater?: boolean
  /** Of those only entries that are not older than this: what was there before keeps its time. Absent: all. */
  readonly mtimeFromSeconds?: number
}

/** {@link ContainerRoots} and what the image builder needs of them. */
export interface OverlayRoots extends ContainerRoots {
  /** `bare`: without what a container has beside its image. */
  readonly mount: (containerId: string, imageId: string, options?: { readonly bare?: boolean }) => Promise<string>
  /** The directory that holds what the container changed: an overlay's upper directory. */
  readonly changes: (containerId: string) => Promise<string>
}

/** What this folder does of an engine's image operations. */
export type StoredImageOperations = Omit<ImageOperations, 'build' | 'pruneBuildCache'>

/** Stored images of one engine, and the root file systems made from them. */
export interface ImageStore {
  /** Ends what runs beside the engine for it. */
  readonly close: () => void
  readonly roots: OverlayRoots
  readonly images: StoredImageOperations
  /** Packs a directory and keeps it as a layer. The same content gives the same layer. */
  readonly addLayer: (source: LayerSource, signal?: AbortSignal) => Promise<LayerRef>
  /** The layer with this diff id, if it is whole in the store. */
  readonly findLayer: (diffId: string) => LayerRef | undefined
  /** Makes an image of stored layers; resolves with its id. */
  readonly createImage: (image: NewImage) => Promise<string>
  /** Forgets a hidden image; its layers stay a while for builds to come. */
  readonly forget: (imageId: string) => Promise<void>
  /** Deletes those of the layers that no image and no container uses; resolves with the bytes that are free now. */
  readonly dropLayers: (layers: readonly LayerRef[]) => Promise<{ readonly bytes: number }>
  /** What an image is made of. Throws 404 `No such image: x`. */
  readonly describe: (reference: string) => Promise<NewImage & { readonly id: string }>
  /** Makes a reproducible one-layer image of a directory; resolves with its id. */
  readonly importRoot: (
    directory: string,
    options: { readonly config: ContainerConfig; readonly tags: readonly string[] },
  ) => Promise<string>
}
