import type { Clock } from '../../../core/clock.ts'
import { invalidInput, notFound } from '../../../core/errors.ts'
import {
  familiarImageName,
  formatImageReference,
  type ImageReference,
  parseImageReference,
} from '../../../core/image-reference.ts'
import type { LayerRef } from '../contract.ts'
import { type ImageConfig, parseConfig } from '../format/image-config.ts'
import { type Descriptor } from '../format/manifest.ts'
import { type BlobStore, hexOf } from './blob-store.ts'
import type { Layout } from './layout.ts'
import { type NameChanges, NameTable } from './name-table.ts'
import { RecordFiles } from './record-file.ts'

/** An image in the store: whole, or not here at all. */
export interface ImageRecord {
  /** Digest of the config. */
  readonly id: string
  /** The manifest for this platform, kept as a blob. */
  readonly manifest: Descriptor
  readonly layers: readonly LayerRef[]
  readonly hidden: boolean
  /** Id of the image it was made from, if it was made here. */
  readonly parent?: string
}

/** Images by id, and names that point at them. */
export class ImageCatalog {
  readonly #blobs: BlobStore
  readonly #records: RecordFiles<ImageRecord>
  readonly #names: NameTable
  readonly #configs = new Map<string, ImageConfig>()

  private constructor(blobs: BlobStore, records: RecordFiles<ImageRecord>, names: NameTable) {
    this.#blobs = blobs
    this.#records = records
    this.#names = names
  }

  static async open(layout: Layout, blobs: BlobStore, clock: Clock): Promise<ImageCatalog> {
    const records = await RecordFiles.open<ImageRecord>(layout.imageRecords)
    const names = await NameTable.open(layout.references, clock, id => records.get(hexOf(id)) !== undefined)
    return new ImageCatalog(blobs, records, names)
  }

  get(id: string): ImageRecord | undefined {
    return this.#records.get(hexOf(id))
  }

  list(): readonly ImageRecord[] {
    return this.#records.entries().map(([, record]) => record)
  }

  /** Finds by name, id or the beginning of an id. Throws 404 `No such image: x`, and 400 for what can be neither. */
  find(text: string): ImageRecord {
    const record = this.lookUp(text)
    if (record !== undefined) return record
    if (!text.startsWith('sha256:')) parseImageReference(text)
    throw notFound('NO_SUCH_IMAGE', `No such image: ${shownName(text)}`)
  }

  /** Like {@link find}; undefined if there is none. */
  lookUp(text: string): ImageRecord | undefined {
    return this.#findById(text) ?? this.#findByName(text) ?? this.#findByPrefix(text)
  }

  /** The image that a full name points at. */
  named(name: string): ImageRecord | undefined {
    const id = this.#names.get(name)
    return id === undefined ? undefined : this.get(id)
  }

  /** Full names of an image, those with a tag and those with a digest apart. */
  namesOf(id: string): { readonly tags: readonly string[]; readonly digests: readonly string[] } {
    const names = this.#names.of(id)
    return {
      tags: names.filter(name => !name.includes('@')).sort(),
      digests: names.filter(name => name.includes('@')).sort(),
    }
  }

  async put(record: ImageRecord): Promise<void> {
    const known = this.get(record.id)
    const parent = record.parent ?? known?.parent
    // An image that became visible stays so, whatever a build makes of the same content.
    const hidden = record.hidden && known?.hidden !== false
    await this.#records.put(hexOf(record.id), { ...record, hidden, ...(parent === undefined ? {} : { parent }) })
  }

  /** Images that were made from this one. */
  childrenOf(id: string): readonly ImageRecord[] {
    return this.list().filter(({ parent, hidden }) => parent === id && !hidden)
  }

  /** The image itself, and all that were made from it or from those. */
  descendantsOf(id: string): ReadonlySet<string> {
    const found = new Set([id])
    // What is added while it is gone through is gone through too.
    for (const each of found) for (const child of this.childrenOf(each)) found.add(child.id)
    return found
  }

  async remove(id: string): Promise<void> {
    this.#configs.delete(id)
    await this.#records.remove(hexOf(id))
  }

  /** When the image was last given a name; undefined if it has none. */
  lastNamedMs(id: string): number | undefined {
    return this.#names.lastGivenMs(id)
  }

  changeNames(change: (names: NameChanges) => void): Promise<void> {
    return this.#names.change(change)
  }

  async config(id: string): Promise<ImageConfig> {
    const known = this.#configs.get(id)
    if (known !== undefined) return known
    const config = parseConfig(await this.#blobs.read(id))
    this.#configs.set(id, config)
    return config
  }

  #findById(text: string): ImageRecord | undefined {
    const hex = text.startsWith('sha256:') ? text.slice(7) : text
    return this.#records.get(hex)
  }

  #findByName(text: string): ImageRecord | undefined {
    return this.named(fullName(text) ?? '')
  }

  #findByPrefix(text: string): ImageRecord | undefined {
    const prefix = text.startsWith('sha256:') ? text.slice(7) : text
    if (!/^[a-f0-9]{1,64}$/.test(prefix)) return undefined
    const found = this.#records.entries().filter(([hex]) => hex.startsWith(prefix))
    return found.length === 1 ? found[0]?.[1] : undefined
  }
}

/** The full name with its tag, `latest` if none was written. */
export function tagName({ registry, repository, tag }: ImageReference): string {
  return formatImageReference({ registry, repository, tag: tag ?? 'latest' })
}

/**
 * The {@link tagName} of a name to be given to an image. Throws AMBIGUOUS_TAG for `sha256`, as Docker does: with a tag of
 * hexadecimal digits it would read like an id.
 */
export function newTagName(reference: ImageReference): string {
  const name = tagName(reference)
  if (!familiar(name).startsWith('sha256:')) return name
  throw invalidInput('AMBIGUOUS_TAG', 'refusing to create an ambiguous tag using digest algorithm as name')
}

/** The full name that a text means, with its tag or its digest; undefined if it is no name. With a digest the tag says nothing. */
export function fullName(text: string): string | undefined {
  const reference = readName(text)
  if (reference?.digest === undefined) return reference === undefined ? undefined : tagName(reference)
  return `${reference.registry}/${reference.repository}@${reference.digest}`
}

/** A full name as docker shows it. */
export function familiar(name: string): string {
  return familiarImageName(parseImageReference(name))
}

function shownName(text: string): string {
  const reference = readName(text)
  return reference === undefined || text.startsWith('sha256:') ? text : familiarImageName(reference)
}

function readName(text: string): ImageReference | undefined {
  try {
    return parseImageReference(text)
  } catch {
    return undefined
  }
}
