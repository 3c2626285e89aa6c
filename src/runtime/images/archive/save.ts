import { Readable } from 'node:stream'
import { MEDIA_TYPES } from '../format/manifest.ts'
import { hexOf } from '../store/blob-store.ts'
import { familiar, fullName, type ImageRecord } from '../store/image-catalog.ts'
import { streamBlob } from '../store/layer-blob.ts'
import type { StoreParts } from '../store/store-parts.ts'
import { encodeHeader, plainFile, TAR_END, tarPadding } from '../tar/header-writer.ts'

interface SavedImage {
  readonly image: ImageRecord
  /** Full names under which it is saved. */
  readonly names: readonly string[]
}

/**
 * An archive of images that reads both as an OCI image layout and as docker's own format: the blobs once, and an index
 * for each reader. Source: OCI image layout specification; docker's image tarball format 1.2.
 */
export function saveImages(parts: StoreParts, references: readonly string[]): Readable {
  const images = collectImages(parts, references)
  return Readable.from(writeArchive(parts, images), { objectMode: false })
}

/** An image asked for by id is saved without a name, one asked for by name under this name. */
function collectImages(parts: StoreParts, references: readonly string[]): readonly SavedImage[] {
  const saved = new Map<string, { image: ImageRecord; names: string[] }>()
  for (const text of references) {
    const image = parts.catalog.find(text)
    const entry = saved.get(image.id) ?? { image, names: [] }
    saved.set(image.id, entry)
    entry.names.push(...parts.catalog.namesOf(image.id).tags.filter(name => name === fullName(text)))
  }
  return [...saved.values()].map(({ image, names }) => ({ image, names: [...new Set(names)].sort() }))
}

async function* writeArchive(parts: StoreParts, images: readonly SavedImage[]): AsyncGenerator<Buffer> {
  const blobs = new Map<string, number | undefined>()
  for (const { image } of images) {
    blobs.set(image.id, undefined).set(image.manifest.digest, undefined)
    for (const { digest, size } of image.layers) blobs.set(digest, size)
  }
  using _held = parts.leases.take([...blobs.keys()])
  for (const digest of [...blobs.keys()].sort()) yield* blobEntry(parts, digest, blobs.get(digest))
  yield* jsonEntry('oci-layout', { imageLayoutVersion: '1.0.0' })
  yield* jsonEntry('index.json', ociIndex(images))
  yield* jsonEntry('manifest.json', images.map(dockerEntry))
  yield TAR_END
}

/** `tarBytes`: how large a layer's blob is, if it is made of the unpacked layer. */
async function* blobEntry(parts: StoreParts, digest: string, tarBytes = 0): AsyncGenerator<Buffer> {
  const size = (await parts.blobs.sizeOf(digest)) ?? tarBytes
  yield encodeHeader(plainFile(`blobs/sha256/${hexOf(digest)}`, size))
  yield* streamBlob(parts, digest)
  yield tarPadding(size)
}

function* jsonEntry(name: string, value: unknown): Generator<Buffer> {
  const bytes = Buffer.from(JSON.stringify(value))
  yield encodeHeader(plainFile(name, bytes.length))
  yield bytes
  yield tarPadding(bytes.length)
}

function ociIndex(images: readonly SavedImage[]): unknown {
  const named = images.flatMap(({ image, names }) =>
    (names.length === 0 ? [undefined] : names).map(name => ({
      ...image.manifest,
      ...(name === undefined ? {} : { annotations: nameAnnotations(name) }),
    })),
  )
  return { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: named }
}

function nameAnnotations(name: string): Readonly<Record<string, string>> {
  return { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name.replace(/^.*:/, '') }
}

function dockerEntry({ image, names }: SavedImage): unknown {
  return {
    Config: `blobs/sha256/${hexOf(image.id)}`,
    RepoTags: names.map(familiar),
    Layers: image.layers.map(({ digest }) => `blobs/sha256/${hexOf(digest)}`),
  }
}
