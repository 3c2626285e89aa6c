import {
  type FilteredImage,
  type Filters,
  type ImageFilterFacts,
  type ImageSummary,
  imageListFilter,
  matchesImageName,
} from '../../../docker-api/index.ts'
import type { ImageConfig } from '../format/image-config.ts'
import { familiar, type ImageRecord } from '../store/image-catalog.ts'
import type { StoreParts } from '../store/store-parts.ts'
import { chainIds } from './chain.ts'

/** An image with what lists, filters and prunes look at. */
export interface ListedImage extends FilteredImage {
  readonly record: ImageRecord
  readonly config: ImageConfig
  /** It has no name, and is there for those that were made from it. */
  readonly isStep: boolean
}

interface ListOptions {
  readonly filters?: Filters
  readonly sharedSize?: boolean
  /** With the steps of builds. */
  readonly all?: boolean
}

/**
 * Images that are somebody's, newest first: also those without a name that others were made from, as the steps of builds
 * are, which lists leave out.
 */
export async function visibleImages(parts: StoreParts): Promise<readonly ListedImage[]> {
  const records = parts.catalog.list().filter(({ hidden }) => !hidden)
  const parents = new Set(records.map(({ parent }) => parent))
  const images = await Promise.all(records.map(async record => describe(parts, record, parents)))
  return images.sort((a, b) => b.createdMs - a.createdMs || (a.record.id < b.record.id ? -1 : 1))
}

/** One line of `docker images` for each image, newest first. Throws 400 for an unknown filter. */
export async function listImages(
  parts: StoreParts,
  { filters = {}, sharedSize = false, all = false }: ListOptions,
): Promise<readonly ImageSummary[]> {
  // Asked for those that nobody needs, steps are never meant.
  const withSteps = all && (filters['dangling'] ?? []).length === 0
  const known = await visibleImages(parts)
  const images = known.filter(({ isStep }) => withSteps || !isStep)
  const passes = imageListFilter(filters, filterFacts(parts, known))
  const sharedOf = sharedSize ? sharedSizes(parts, images) : () => -1
  const shown = images.filter(passes).map(image => namedBy(image, filters['reference'] ?? []))
  return shown.map(image => ({ ...summarise(parts, image), SharedSize: sharedOf(image.record) }))
}

/** Of several names only those that were asked for are shown. */
function namedBy(image: ListedImage, patterns: readonly string[]): ListedImage {
  const asked = (name: string): boolean => patterns.length === 0 || patterns.some(it => matchesImageName(name, it))
  return { ...image, tags: image.tags.filter(asked), digests: image.digests.filter(asked) }
}

/** What filters need to know beside the image itself. */
export function filterFacts(parts: StoreParts, images: readonly ListedImage[]): ImageFilterFacts {
  return {
    nowMs: parts.clock.nowMs(),
    createdMsOf: reference => {
      const { id } = parts.catalog.find(reference)
      return images.find(({ record }) => record.id === id)?.createdMs ?? 0
    },
  }
}

async function describe(
  parts: StoreParts,
  record: ImageRecord,
  parents: ReadonlySet<string | undefined>,
): Promise<ListedImage> {
  const config = await parts.catalog.config(record.id)
  const { tags, digests } = parts.catalog.namesOf(record.id)
  return {
    record,
    config,
    tags: tags.map(familiar),
    digests: digests.map(familiar),
    labels: config.config?.Labels ?? {},
    createdMs: Date.parse(config.created ?? '') || 0,
    isStep: parents.has(record.id) && tags.length + digests.length === 0,
  }
}

function summarise(parts: StoreParts, { record, config, tags, digests, createdMs }: ListedImage): ImageSummary {
  return {
    Id: record.id,
    ParentId: record.parent ?? '',
    RepoTags: tags,
    RepoDigests: digests,
    Created: Math.floor(createdMs / 1_000),
    Size: imageSize(parts, record),
    SharedSize: -1,
    Containers: -1,
    Labels: config.config?.Labels ?? null,
  }
}

/** Bytes of the files in an image's layers. */
export function imageSize(parts: StoreParts, { layers }: ImageRecord): number {
  return layers.reduce((sum, { diffId }) => sum + parts.layers.unpackedBytes(diffId), 0)
}

/** Bytes of an image's layers that stand on the same layers in another image too. */
function sharedSizes(parts: StoreParts, images: readonly ListedImage[]): (record: ImageRecord) => number {
  const chainOf = ({ layers }: ImageRecord): readonly string[] => chainIds(layers.map(({ diffId }) => diffId))
  const uses = new Map<string, number>()
  for (const { record } of images) for (const chain of chainOf(record)) uses.set(chain, (uses.get(chain) ?? 0) + 1)
  return record =>
    chainOf(record).reduce((sum, chain, index) => {
      const diffId = record.layers[index]?.diffId
      return (uses.get(chain) ?? 0) > 1 && diffId !== undefined ? sum + parts.layers.unpackedBytes(diffId) : sum
    }, 0)
}
