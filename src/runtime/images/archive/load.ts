import { createHash } from 'node:crypto'
import { closeSync, constants, createReadStream, fstatSync, readlinkSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { errorCode } from '../../../core/errors.ts'
import { parseImageReference } from '../../../core/image-reference.ts'
import { newShortId } from '../../../core/random.ts'
import { type HeldDirectory, holdDirectory, openInside, readFileInside } from '../../linux/files/fd-path.ts'
import { parseConfig } from '../format/image-config.ts'
import { type Descriptor, encodeManifest, type IndexEntry, MEDIA_TYPES, parseManifest } from '../format/manifest.ts'
import { choosePlatform, hostPlatform } from '../format/platform.ts'
import type { ImageEvents } from '../image-events.ts'
import { hexOf, wrongDigest } from '../store/blob-store.ts'
import { familiar, newTagName } from '../store/image-catalog.ts'
import type { StoreParts } from '../store/store-parts.ts'
import { compressionOf } from '../tar/decompress.ts'
import { unpackArchive } from '../tar/unpack.ts'
import { LAYER_LIMITS } from '../tar/unpack-error.ts'
import { type ImageSource, installImage } from '../transfer/install.ts'
import { type LayerReport, loadReport } from '../transfer/layer-report.ts'
import type { OnProgress } from '../transfer/progress.ts'
import { badArchive, type DockerEntry, isPathOf, readDockerIndex, readOciIndex } from './archive-index.ts'

const JSON_BYTES_MAX = 8 << 20

const LAYER_TYPES: Readonly<Record<string, string>> = {
  gzip: MEDIA_TYPES.ociLayerGzip,
  zstd: `${MEDIA_TYPES.ociLayer}+zstd`,
}

/** An archive laid out in scratch. */
interface Archive {
  readonly parts: StoreParts
  readonly directory: string
  readonly root: HeldDirectory
  readonly signal: AbortSignal
  readonly report: LayerReport
  readonly events: ImageEvents
  readonly described: Map<string, Promise<Descriptor>>
}

export interface Loading {
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
  readonly events: ImageEvents
}

/**
 * Loads the images of an archive: an OCI image layout, or what `docker save` writes in any of its versions. Names and
 * links inside cannot lead out of it, and everything is checked against its digest. Resolves with the names, or the ids of
 * images without one.
 */
export async function loadImages(
  parts: StoreParts,
  archive: Readable,
  { onProgress, signal, events }: Loading,
): Promise<readonly string[]> {
  const directory = join(parts.layout.scratch, newShortId(parts.random))
  await mkdir(directory, { mode: 0o700 })
  try {
    const owner = { uid: 0, gid: 0 }
    await unpackArchive(archive, directory, { limits: LAYER_LIMITS, whiteouts: false, owner, signal, noDevices: true })
    using root = holdDirectory(directory)
    const report = loadReport(onProgress, parts.clock)
    const open: Archive = { parts, directory, root, signal, events, report, described: new Map() }
    const oci = readJson(open, 'index.json')
    const list = readJson(open, 'manifest.json')
    const docker = list === undefined ? [] : readDockerIndex(list)
    if (oci !== undefined) return await loadOci(open, readOciIndex(oci), docker)
    if (list !== undefined) return await loadDocker(open, docker)
    if (readJson(open, 'repositories') === undefined)
      throw badArchive('it has neither an index.json nor a manifest.json')
    throw badArchive('it was saved by a Docker before 1.10')
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function loadOci(
  archive: Archive,
  entries: readonly IndexEntry[],
  docker: readonly DockerEntry[],
): Promise<readonly string[]> {
  const names: string[] = []
  for (const entry of entries) {
    const id = await installImage(archive.parts, readManifest(archive, entry), {
      fetchBlob: blob => takeBlob(archive, `blobs/sha256/${hexOf(blob.digest)}`, blob),
      report: archive.report,
      signal: archive.signal,
    })
    const tags = docker.filter(({ Config }) => isPathOf(Config, id)).flatMap(({ RepoTags }) => RepoTags)
    names.push(...(await giveNames(archive, id, [...tags, ...annotatedName(entry)])))
  }
  return [...new Set(names)]
}

function readManifest(archive: Archive, entry: Descriptor): ImageSource {
  const bytes = readFileInside(archive.directory, `blobs/sha256/${hexOf(entry.digest)}`, JSON_BYTES_MAX)
  if (bytes === undefined) throw badArchive(`the blob ${entry.digest} is missing`)
  const found = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  if (found !== entry.digest) throw badArchive(`the content of ${entry.digest} has the digest ${found}`)
  return manifestOf(archive, entry, bytes)
}

function manifestOf(archive: Archive, entry: Descriptor, bytes: Buffer): ImageSource {
  const parsed = parseManifest(bytes, entry.mediaType)
  if (parsed.kind === 'manifest')
    return { manifestBytes: bytes, mediaType: parsed.mediaType, manifest: parsed.manifest }
  return readManifest(archive, choosePlatform(parsed.entries, hostPlatform(), 'the archive'))
}

async function loadDocker(archive: Archive, entries: readonly DockerEntry[]): Promise<readonly string[]> {
  const names: string[] = []
  for (const entry of entries) {
    const config = await describeFile(archive, entry.Config)
    const bytes = readFileInside(archive.directory, entry.Config, JSON_BYTES_MAX) ?? Buffer.alloc(0)
    const { diff_ids: diffIds } = parseConfig(bytes).rootfs
    const files = new Map<string, string>([[config.digest, entry.Config]])
    const layers: (Descriptor & { readonly diffId: string })[] = []
    for (const [index, path] of entry.Layers.entries()) {
      const layer = await describeFile(archive, path)
      files.set(layer.digest, path)
      layers.push({ ...layer, diffId: diffIds[index] ?? '' })
    }
    const manifestBytes = encodeManifest({ ...config, mediaType: MEDIA_TYPES.ociConfig }, layers)
    const id = await installImage(
      archive.parts,
      { manifest: { config, layers }, manifestBytes, mediaType: MEDIA_TYPES.ociManifest },
      {
        fetchBlob: blob => takeBlob(archive, files.get(blob.digest) ?? '', blob),
        report: archive.report,
        signal: archive.signal,
      },
    )
    names.push(...(await giveNames(archive, id, entry.RepoTags)))
  }
  return names
}

/** Digest, size and packing of a file of the archive; read once, for nobody else reaches it. */
function describeFile(archive: Archive, path: string): Promise<Descriptor> {
  const known = archive.described.get(path)
  if (known !== undefined) return known
  const described = readDescription(archive, path)
  archive.described.set(path, described)
  return described
}

async function readDescription({ root }: Archive, path: string): Promise<Descriptor> {
  const fd = openFile(root, path)
  const hash = createHash('sha256')
  let head: Buffer | undefined
  let size = 0
  for await (const chunk of createReadStream('', { fd, highWaterMark: 1 << 20 })) {
    const bytes = chunk as Buffer
    head ??= Buffer.from(bytes.subarray(0, 8))
    size += bytes.length
    hash.update(bytes)
  }
  const packing = compressionOf(head ?? Buffer.alloc(0)) ?? ''
  return { digest: `sha256:${hash.digest('hex')}`, size, mediaType: LAYER_TYPES[packing] ?? MEDIA_TYPES.ociLayer }
}

/** Takes a file of the archive into the store as it lies there, once it is what it should be. */
async function takeBlob(archive: Archive, path: string, { digest, size }: Descriptor): Promise<void> {
  const { blobs } = archive.parts
  if ((await blobs.sizeOf(digest)) !== undefined) return
  const found = await describeFile(archive, path)
  if (found.digest !== digest) throw wrongDigest(digest, `the content has the digest ${found.digest}`)
  if (found.size !== size) throw wrongDigest(digest, `it has ${found.size}, not ${size} bytes`)
  const fd = openFile(archive.root, path)
  try {
    await blobs.link(readlinkSync(`/proc/self/fd/${fd}`), digest)
  } finally {
    closeSync(fd)
  }
}

function openFile(root: HeldDirectory, path: string): number {
  let fd: number
  try {
    fd = openInside(root, path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? ''))
      throw badArchive(`the file "${path}" is missing`)
    throw error
  }
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  throw badArchive(`"${path}" is no file`)
}

async function giveNames(
  { parts, events }: Archive,
  id: string,
  wanted: readonly string[],
): Promise<readonly string[]> {
  const names = [...new Set(wanted.map(text => newTagName(parseImageReference(text))))]
  await events.changed('load', id)
  if (names.length === 0) return [id]
  await parts.catalog.changeNames(all => names.forEach(name => void all.set(name, id)))
  return names.map(familiar)
}

/** The name an index gives an image, where it is a whole one: some writers put only a tag there. */
function annotatedName({ annotations }: IndexEntry): readonly string[] {
  const name: unknown = annotations?.['io.containerd.image.name'] ?? annotations?.['org.opencontainers.image.ref.name']
  return typeof name === 'string' && /[/:]/.test(name) ? [name] : []
}

function readJson({ directory }: Archive, path: string): unknown {
  const bytes = readFileInside(directory, path, JSON_BYTES_MAX)
  if (bytes === undefined) return undefined
  try {
    return JSON.parse(bytes.toString()) as unknown
  } catch (error) {
    throw badArchive(`its ${path} is not JSON (${String(error)})`)
  }
}
