import { conflict, type ShoalError } from '../../../core/errors.ts'
import type { ImageUser } from '../contract.ts'
import { dropImage, type UsedLayers } from '../store/collect.ts'
import { familiar, fullName, type ImageRecord } from '../store/image-catalog.ts'
import type { StoreParts } from '../store/store-parts.ts'
import { shortDigest } from '../transfer/progress.ts'

type Removed = { readonly Untagged?: string; readonly Deleted?: string }

export interface RemovePorts {
  readonly usersOf: (imageId: string) => readonly ImageUser[]
  readonly usedByRoots: UsedLayers
}

/**
 * `docker rmi`: takes away the name given, and the image itself with its last name. Throws 409 while containers use
 * it: a running one forbids it, a stopped one asks for force.
 */
export async function removeImage(
  parts: StoreParts,
  text: string,
  { force = false, usersOf, usedByRoots }: RemovePorts & { readonly force?: boolean | undefined },
): Promise<readonly Removed[]> {
  const image = parts.catalog.find(text)
  const { tags, digests } = parts.catalog.namesOf(image.id)
  // A text that is no name of the image is its id.
  const named = [...tags, ...digests].find(name => name === fullName(text))
  const going = named === undefined ? [...tags, ...digests] : namesGoing(named, tags, digests)
  if (named === undefined && !force && repositoriesOf(tags).size > 1) {
    throw refused(image, 'must be forced', 'image is referenced in multiple repositories')
  }
  const last = going.length === tags.length + digests.length
  if (last) checkUse(image, usersOf(image.id), { force })
  await parts.catalog.changeNames(names => going.forEach(name => names.delete(name)))
  const untagged = going.map(name => ({ Untagged: familiar(name) }))
  if (!last) return untagged
  const layers = await dropImage(parts, image, usedByRoots)
  return [...untagged, { Deleted: image.id }, ...layers.map(diffId => ({ Deleted: diffId }))]
}

/** With the last tag of a repository its digests go too: they only told where the tag came from. */
function namesGoing(named: string, tags: readonly string[], digests: readonly string[]): readonly string[] {
  const repository = repositoryOf(named)
  const tagsLeft = tags.filter(tag => tag !== named && repositoryOf(tag) === repository)
  if (named.includes('@') || tagsLeft.length > 0) return [named]
  return [named, ...digests.filter(digest => repositoryOf(digest) === repository)]
}

function repositoryOf(name: string): string {
  return name.replace(/@.*$/, '').replace(/:[^:/]*$/, '')
}

function repositoriesOf(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map(repositoryOf))
}

function checkUse(image: ImageRecord, users: readonly ImageUser[], { force }: { readonly force: boolean }): void {
  const running = users.find(user => user.running)
  if (running !== undefined) {
    const id = running.containerId.slice(0, 12)
    throw refused(image, 'cannot be forced', `image is being used by running container ${id}`)
  }
  const stopped = users[0]
  if (stopped !== undefined && !force) {
    const id = stopped.containerId.slice(0, 12)
    throw refused(image, 'must be forced', `image is being used by stopped container ${id}`)
  }
}

function refused({ id }: ImageRecord, how: string, why: string): ShoalError {
  return conflict('IMAGE_IN_USE', `conflict: unable to delete ${shortDigest(id)} (${how}) - ${why}`)
}
