import { errorCode, errorMessage } from '../../../core/errors.ts'
import { type Filters, type ImageRemoval, type ImagesPruned, imagePruneFilter } from '../../../docker-api/index.ts'
import type { ImageUser } from '../contract.ts'
import type { ImageEvents } from '../image-events.ts'
import { dropImage, type UsedLayers } from '../store/collect.ts'
import { fullName, type ImageRecord } from '../store/image-catalog.ts'
import type { StoreParts } from '../store/store-parts.ts'
import { chainIds } from './chain.ts'
import { filterFacts, visibleImages } from './list.ts'
import { planRemoval, untagged } from './plan-removal.ts'

export interface RemovePorts {
  readonly usersOf: (imageId: string) => readonly ImageUser[]
  readonly usedByRoots: UsedLayers
  readonly events: ImageEvents
}

interface RemoveOptions extends RemovePorts {
  readonly force?: boolean | undefined
  /** Leaves the nameless images that it was made from. */
  readonly noprune?: boolean | undefined
}

interface Removed {
  readonly entries: readonly ImageRemoval[]
  /** Bytes of the files in layers that nothing needs any more. */
  readonly freedBytes: number
}

const NOTHING: Removed = { entries: [], freedBytes: 0 }

/** `docker rmi`: takes away the name given, and the image itself with its last name. Throws Docker's 409 while it is in use. */
export async function removeImage(
  parts: StoreParts,
  text: string,
  options: RemoveOptions,
): Promise<readonly ImageRemoval[]> {
  return (await remove(parts, text, options)).entries
}

/** `docker image prune`. Images that containers use stay, and are no error. Throws 400 for an unknown filter. */
export async function pruneImages(parts: StoreParts, filters: Filters, ports: RemovePorts): Promise<ImagesPruned> {
  const images = await visibleImages(parts)
  const { passes } = imagePruneFilter(filters, filterFacts(parts, images))
  const deleted: ImageRemoval[] = []
  let freedBytes = 0
  for (const { record } of images.filter(image => !image.isStep && passes(image))) {
    const { tags, digests } = parts.catalog.namesOf(record.id)
    const names = [...tags, ...digests]
    for (const name of names.length === 0 ? [record.id] : names) {
      const removed = await removeIfUnused(parts, name, ports)
      deleted.push(...removed.entries)
      freedBytes += removed.freedBytes
    }
  }
  ports.events.pruned(freedBytes)
  return { ImagesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: freedBytes }
}

async function removeIfUnused(parts: StoreParts, name: string, ports: RemovePorts): Promise<Removed> {
  try {
    return await remove(parts, name, ports)
  } catch (error) {
    // The digests of a repository go with its last tag, so they may be gone already.
    if (!['IMAGE_IN_USE', 'NO_SUCH_IMAGE'].includes(errorCode(error) ?? '')) {
      parts.log.warn({ image: name, error: errorMessage(error) }, 'cannot prune image')
    }
    return NOTHING
  }
}

async function remove(parts: StoreParts, text: string, options: RemoveOptions): Promise<Removed> {
  const { id, parent } = parts.catalog.find(text)
  const removed = await parts.installing.run(id, () => removeAlone(parts, text, options))
  if (parent === undefined || options.noprune === true || parts.catalog.get(id) !== undefined) return removed
  const more = await removeUnneeded(parts, parent, options)
  return { entries: [...removed.entries, ...more.entries], freedBytes: removed.freedBytes + more.freedBytes }
}

/** A parent goes with its last child, unless it has a name or a container. */
async function removeUnneeded(parts: StoreParts, parent: string, ports: RemovePorts): Promise<Removed> {
  const { usersOf, usedByRoots, events } = ports
  const { tags, digests } = parts.catalog.namesOf(parent)
  if (parts.catalog.get(parent) === undefined || tags.length + digests.length > 0) return NOTHING
  return removeIfUnused(parts, parent, { usersOf, usedByRoots, events })
}

/** While nobody else brings the image in or takes it away. */
async function removeAlone(
  parts: StoreParts,
  text: string,
  { force = false, usersOf, usedByRoots, events }: RemoveOptions,
): Promise<Removed> {
  const image = parts.catalog.find(text)
  const names = parts.catalog.namesOf(image.id)
  const named = [...names.tags, ...names.digests].find(name => name === fullName(text))
  const request = { id: image.id, named, text, force }
  const { untag, erase } = planRemoval(request, {
    ...names,
    users: usersOf(image.id),
    hasChildren: parts.catalog.childrenOf(image.id).length > 0,
  })
  await parts.catalog.changeNames(all => untag.forEach(name => all.delete(name)))
  // Docker tells of the name that was given, and not of the digests that go with it.
  for (const _name of named === undefined ? untag : [named]) await events.changed('untag', image.id)
  const { tags, digests } = parts.catalog.namesOf(image.id)
  // Somebody may have given it another name meanwhile.
  if (!erase || tags.length + digests.length > 0) return { entries: untagged(untag), freedBytes: 0 }
  const sizes = new Map(image.layers.map(({ diffId }) => [diffId, parts.layers.unpackedBytes(diffId)]))
  const gone = await dropImage(parts, image, usedByRoots)
  events.deleted(image.id)
  const chains = freedChains(parts, image).map(Deleted => ({ Deleted }))
  return {
    entries: [...untagged(untag), { Deleted: image.id }, ...chains],
    freedBytes: gone.reduce((sum, diffId) => sum + (sizes.get(diffId) ?? 0), 0),
  }
}

/** Stacks of layers that no other image has, the highest first. */
function freedChains(parts: StoreParts, { layers }: ImageRecord): readonly string[] {
  const chainOf = (all: ImageRecord['layers']): readonly string[] => chainIds(all.map(({ diffId }) => diffId))
  const kept = new Set(parts.catalog.list().flatMap(image => chainOf(image.layers)))
  return chainOf(layers)
    .filter(chain => !kept.has(chain))
    .reverse()
}
