import { conflict, type ShoalError } from '../../../core/errors.ts'
import type { ImageUser } from '../contract.ts'
import { familiar } from '../store/image-catalog.ts'
import { shortDigest } from '../transfer/progress.ts'

export interface RemovalRequest {
  readonly id: string
  /** The full name that was given; undefined if the image was named by its id. */
  readonly named: string | undefined
  /** What was typed, for messages. */
  readonly text: string
  readonly force: boolean
}

export interface RemovalState {
  /** Full names of the image: with a tag, and with a digest. */
  readonly tags: readonly string[]
  readonly digests: readonly string[]
  readonly users: readonly ImageUser[]
  /** Other images were made from it. */
  readonly hasChildren: boolean
}

export interface Removal {
  /** Full names that go, in this order. */
  readonly untag: readonly string[]
  /** Whether the image itself goes too. */
  readonly erase: boolean
}

/**
 * Decides what `docker rmi` does: a name goes alone as long as others are left, an id takes all names of one repository
 * with it. Throws Docker's 409: an image that runs stays, one that stopped containers need asks for force.
 * Source: the Docker Engine's answers.
 */
export function planRemoval(request: RemovalRequest, state: RemovalState): Removal {
  return request.named === undefined ? planById(request, state) : planByName(request, request.named, state)
}

function planByName(request: RemovalRequest, named: string, state: RemovalState): Removal {
  const { id, text, force } = request
  const user = state.users[0]
  if (!force && user !== undefined && isSingleReference(state)) {
    const who = `container ${user.containerId.slice(0, 12)} is using its referenced image ${shortDigest(id)}`
    throw refusal(`unable to remove repository reference "${text}" (must force) - ${who}`)
  }
  const untag = namesGoing(named, state)
  const last = untag.length === state.tags.length + state.digests.length
  // A forced name goes from an image that is in use, and the image stays.
  const erase = last && useConflict(request, { ...state, tags: [], digests: [] }) === undefined
  return { untag, erase }
}

function planById(request: RemovalRequest, state: RemovalState): Removal {
  const found = useConflict(request, state)
  if (found !== undefined) throw found
  return { untag: [...state.tags, ...state.digests], erase: true }
}

/** Why an image may not go; force overcomes neither a running container nor images that were made from it. */
function useConflict({ id, force }: RemovalRequest, state: RemovalState): ShoalError | undefined {
  const { users } = state
  const refused = (how: string, why: string): ShoalError =>
    refusal(`unable to delete ${shortDigest(id)} (${how}) - ${why}`)
  if (state.hasChildren) return refused('cannot be forced', 'image has dependent child images')
  const running = users.find(user => user.running)
  if (running !== undefined) {
    return refused('cannot be forced', `image is being used by running container ${running.containerId.slice(0, 12)}`)
  }
  if (force) return undefined
  if (!isSingleReference(state)) return refused('must be forced', 'image is referenced in multiple repositories')
  const stopped = users[0]
  if (stopped === undefined) return undefined
  return refused('must be forced', `image is being used by stopped container ${stopped.containerId.slice(0, 12)}`)
}

/** One tag at most, and digests of its repository only: they tell where the tag came from. */
function isSingleReference({ tags, digests }: Pick<RemovalState, 'tags' | 'digests'>): boolean {
  return tags.length < 2 && new Set([...tags, ...digests].map(repositoryOf)).size < 2
}

/** With the last tag of a repository its digests go too. */
function namesGoing(named: string, { tags, digests }: RemovalState): readonly string[] {
  const repository = repositoryOf(named)
  const tagsLeft = tags.filter(tag => tag !== named && repositoryOf(tag) === repository)
  if (named.includes('@') || tagsLeft.length > 0) return [named]
  return [named, ...digests.filter(digest => repositoryOf(digest) === repository)]
}

function repositoryOf(name: string): string {
  return name.replace(/@.*$/, '').replace(/:[^:/]*$/, '')
}

function refusal(why: string): ShoalError {
  return conflict('IMAGE_IN_USE', `conflict: ${why}`)
}

/** What the answer lists for the names that went. */
export function untagged(names: readonly string[]): readonly { readonly Untagged: string }[] {
  return names.map(name => ({ Untagged: familiar(name) }))
}
