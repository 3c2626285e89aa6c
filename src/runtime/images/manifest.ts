import { canonicalJson } from '../../core/digest.ts'
import { errorMessage, invalidInput, notFound, type ShoalError, unsupported } from '../../core/errors.ts'
import type { ContainerConfig } from '../../docker-api/index.ts'
import type { HistoryEntry, LayerRef } from './contract.ts'

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

export interface Platform {
  readonly os: string
  readonly architecture: string
}

/** What an image's config says; the fields we use. */
export interface ImageConfig extends Platform {
  readonly created?: string
  readonly config?: ContainerConfig
  readonly rootfs: { readonly type: string; readonly diff_ids: readonly string[] }
  readonly history?: readonly HistoryEntry[]
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

/** Node's names of architectures -> Go's, which images use. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

/** The platform whose images this host runs. */
export function hostPlatform(arch: string = process.arch): Platform {
  return { os: 'linux', architecture: ARCHITECTURES[arch] ?? arch }
}

export type ParsedManifest =
  | { readonly kind: 'manifest'; readonly manifest: Manifest; readonly mediaType: string }
  | { readonly kind: 'index'; readonly entries: readonly IndexEntry[] }

interface IndexEntry extends Descriptor {
  readonly platform?: Partial<Platform>
  readonly annotations?: Readonly<Record<string, string>>
}

/** Reads a manifest or an index, in OCI's or Docker's form. Throws BAD_MANIFEST. */
export function parseManifest(bytes: Buffer, contentType: string | undefined): ParsedManifest {
  const json = readObject(bytes, 'manifest')
  const declared = typeof json['mediaType'] === 'string' ? json['mediaType'] : contentType?.split(';')[0]
  if (json['schemaVersion'] !== 2) {
    throw unsupported('OLD_MANIFEST', 'The image has a manifest of schema 1, which is no longer read: push it again')
  }
  if (Array.isArray(json['manifests'])) {
    return { kind: 'index', entries: json['manifests'].map(entry => readDescriptor(entry) as IndexEntry) }
  }
  if (!Array.isArray(json['layers'])) throw badManifest('it lists neither layers nor manifests')
  return {
    kind: 'manifest',
    mediaType: declared ?? MEDIA_TYPES.ociManifest,
    manifest: { config: readDescriptor(json['config']), layers: json['layers'].map(readDescriptor) },
  }
}

/** The entry of an index for a platform. Throws 404 naming the platforms there are. */
export function choosePlatform(entries: readonly IndexEntry[], wanted: Platform, name: string): Descriptor {
  const images = entries.filter(entry => entry.annotations?.['vnd.docker.reference.type'] === undefined)
  const matches = (entry: IndexEntry): boolean =>
    entry.platform?.os === wanted.os && entry.platform.architecture === wanted.architecture
  const chosen = images.find(matches) ?? (images.length === 1 && !images[0]?.platform ? images[0] : undefined)
  if (chosen !== undefined) return chosen
  const known = images.map(({ platform }) => `${platform?.os ?? '?'}/${platform?.architecture ?? '?'}`).join(', ')
  throw notFound(
    'NO_SUCH_PLATFORM',
    `no matching manifest for ${wanted.os}/${wanted.architecture} in the manifest list entries of ${name}: it has ${known || 'none'}`,
  )
}

/** Reads an image's config. Throws BAD_MANIFEST. */
export function parseConfig(bytes: Buffer): ImageConfig {
  const json = readObject(bytes, 'config')
  const rootfs = json['rootfs'] as ImageConfig['rootfs'] | undefined
  if (!Array.isArray(rootfs?.diff_ids)) throw badManifest('its config names no layers')
  return json as unknown as ImageConfig
}

/** Throws if config and manifest speak of different layers. */
export function checkLayerCount(config: ImageConfig, manifest: Manifest): void {
  if (config.rootfs.diff_ids.length !== manifest.layers.length) {
    throw badManifest(`it has ${manifest.layers.length} layers, but its config names ${config.rootfs.diff_ids.length}`)
  }
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

function readObject(bytes: Buffer, what: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  } catch (error) {
    throw badManifest(`its ${what} is not JSON (${errorMessage(error)})`)
  }
  throw badManifest(`its ${what} is not a JSON object`)
}

function readDescriptor(value: unknown): Descriptor {
  const { digest, size, mediaType } = (value ?? {}) as Partial<Descriptor>
  if (typeof digest !== 'string' || !/^sha256:[a-f0-9]{64}$/.test(digest)) throw badManifest('a digest is not sha256')
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw badManifest('a size is missing')
  return { ...(value as Descriptor), mediaType: mediaType ?? '' }
}

function badManifest(why: string): ShoalError {
  return invalidInput('BAD_MANIFEST', `The image is refused: ${why}; ask whoever made it`)
}
