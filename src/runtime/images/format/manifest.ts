import { canonicalJson } from '../../../core/digest.ts'
import { unsupported } from '../../../core/errors.ts'
import type { LayerRef } from '../contract.ts'
import { badManifest, CONFIG_BYTES_MAX, isDigest, LAYERS_MAX, readObject } from './json.ts'
import type { Platform } from './platform.ts'

/** A pointer to a blob, as manifests hold them. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

export interface Manifest {
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

export const MEDIA_TYPES = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const

/** Everything we can read, best first: the Accept header of a manifest request. */
export const MANIFEST_TYPES = [
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.ociIndex,
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.dockerList,
]

export type ParsedManifest =
  | { readonly kind: 'manifest'; readonly manifest: Manifest; readonly mediaType: string }
  | { readonly kind: 'index'; readonly entries: readonly IndexEntry[] }

export interface IndexEntry extends Descriptor {
  readonly platform?: Partial<Platform>
  readonly annotations?: Readonly<Record<string, string>>
}

/** Configs of images; other things that registries keep have other types. Old builders wrote none. */
const CONFIG_TYPES = [
  MEDIA_TYPES.ociConfig,
  'application/vnd.docker.container.image.v1+json',
  'application/octet-stream',
  'text/html',
  '',
]
/** The largest manifest that registries take. */
const MANIFEST_BYTES_MAX = 4 << 20
/** Indexes of real images have a few dozen entries. */
const ENTRIES_MAX = 1_000

/**
 * Reads a manifest or an index, in OCI's or Docker's form. What could be read as both, or is not what its content type
 * says, is refused: two readers must not see two images in it. Throws BAD_MANIFEST, and OLD_MANIFEST for schema 1.
 */
export function parseManifest(bytes: Buffer, contentType: string | undefined): ParsedManifest {
  if (bytes.length > MANIFEST_BYTES_MAX) throw badManifest(`its manifest has more than ${MANIFEST_BYTES_MAX} bytes`)
  const json = readObject(bytes, 'manifest')
  if (json['schemaVersion'] !== 2) {
    throw unsupported('OLD_MANIFEST', 'The image has a manifest of schema 1, which is no longer read: push it again')
  }
  const mediaType = typeOf(json['mediaType'], contentType?.split(';')[0])
  const { manifests, layers, config } = json
  if (Array.isArray(manifests)) {
    if (layers !== undefined || config !== undefined) throw badManifest('it is a manifest and an index at once')
    if (manifests.length > ENTRIES_MAX) throw badManifest(`its index has ${manifests.length} entries`)
    return { kind: 'index', entries: manifests.map(entry => readDescriptor(entry) as IndexEntry) }
  }
  if (!Array.isArray(layers)) throw badManifest('it lists neither layers nor manifests')
  if (layers.length > LAYERS_MAX) throw badManifest(`it has ${layers.length} layers, and at most ${LAYERS_MAX} stack`)
  const manifest = { config: readDescriptor(config), layers: layers.map(readDescriptor) }
  if (!CONFIG_TYPES.includes(manifest.config.mediaType)) {
    throw badManifest(
      `its config has the media type ${manifest.config.mediaType}, so it is something else than an image`,
    )
  }
  if (manifest.config.size > CONFIG_BYTES_MAX) throw badManifest(`its config has more than ${CONFIG_BYTES_MAX} bytes`)
  return { kind: 'manifest', mediaType, manifest }
}

/** The type that a manifest has: what it says itself and what the registry says must not differ. */
function typeOf(own: unknown, served: string | undefined): string {
  const declared = typeof own === 'string' ? own : undefined
  const known = (MANIFEST_TYPES as readonly (string | undefined)[]).includes(served)
  if (declared !== undefined && known && declared !== served) {
    throw badManifest(`it is served as ${served}, but calls itself ${declared}`)
  }
  return declared ?? served ?? MEDIA_TYPES.ociManifest
}

/** The bytes of a manifest in OCI's form; the same image always gives the same bytes. */
export function encodeManifest(config: Descriptor, layers: readonly LayerRef[]): Buffer {
  return Buffer.from(
    canonicalJson({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config,
      layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    }),
  )
}

/** Reads a pointer to a blob. Throws BAD_MANIFEST. */
export function readDescriptor(value: unknown): Descriptor {
  const { digest, size, mediaType } = (value ?? {}) as Partial<Descriptor>
  if (!isDigest(digest)) throw badManifest('a digest is not sha256')
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw badManifest('a size is missing')
  if (mediaType !== undefined && typeof mediaType !== 'string') throw badManifest('a media type is no text')
  return { ...(value as Descriptor), mediaType: mediaType ?? '' }
}
