import { invalidInput, type ShoalError } from '../../../core/errors.ts'
import { isDigest } from '../format/json.ts'
import { type IndexEntry, readDescriptor } from '../format/manifest.ts'
import { isImage } from '../format/platform.ts'

/** An entry of the manifest.json that `docker save` writes. */
export interface DockerEntry {
  readonly Config: string
  readonly RepoTags: readonly string[]
  /** Paths of the layers, lowest first. */
  readonly Layers: readonly string[]
}

/** More images are in no archive that somebody made on purpose. */
const IMAGES_MAX = 1_000

/** Reads a manifest.json. Throws BAD_ARCHIVE. */
export function readDockerIndex(json: unknown): readonly DockerEntry[] {
  if (!Array.isArray(json) || json.length > IMAGES_MAX) throw badArchive('its manifest.json is no list of images')
  return json.map(entry => {
    const { Config, RepoTags, Layers } = (entry ?? {}) as Partial<Record<keyof DockerEntry, unknown>>
    const tags = RepoTags ?? []
    if (typeof Config !== 'string' || !isTexts(Layers) || !isTexts(tags)) {
      throw badArchive('an entry of its manifest.json is malformed')
    }
    return { Config, RepoTags: tags, Layers }
  })
}

/** Reads the index.json of an OCI image layout; what is no image is left out. Throws BAD_ARCHIVE and BAD_MANIFEST. */
export function readOciIndex(json: unknown): readonly IndexEntry[] {
  const { manifests } = (json ?? {}) as { readonly manifests?: unknown }
  if (!Array.isArray(manifests) || manifests.length > IMAGES_MAX) throw badArchive('its index.json lists no manifests')
  return manifests.map(entry => readDescriptor(entry) as IndexEntry).filter(isImage)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}

/** Whether a path of a manifest.json is that of a blob with this digest: `<hex>.json`, `blobs/sha256/<hex>`. */
export function isPathOf(path: string, digest: string): boolean {
  return isDigest(digest) && path.replace(/\.json$/, '').endsWith(digest.slice('sha256:'.length))
}

export function badArchive(why: string): ShoalError {
  return invalidInput(
    'BAD_ARCHIVE',
    `The archive holds no images that can be read (${why}): make it with docker save or skopeo`,
  )
}
