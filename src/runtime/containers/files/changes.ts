import type { Stats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { errorCode, failed } from '../../../core/errors.ts'
import type { FilesystemChange } from '../../../docker-api/index.ts'
import { entryNames } from '../../linux/files/entry-names.ts'
import { type HeldDirectory, holdDirectory, holdEntry } from '../../linux/files/fd-path.ts'
import { DEPTH_MAX } from '../../linux/files/tree-depth.ts'
import { getXattr } from '../../linux/files/xattr.ts'
import type { Room } from '../room.ts'
import { isMadeForMounts } from './mount-points.ts'

const OPAQUE_XATTR = 'trusted.overlay.opaque'
const KIND = { modified: 0, added: 1, deleted: 2 } as const

/** How the files of a container differ from its image's, parents before what is in them, in the order of names. */
export async function changesOf(room: Room, reference: string): Promise<readonly FilesystemChange[]> {
  const { id, imageId } = room.table.get(reference)
  const upper = await upperOf(room, id)
  if (upper === undefined) return []
  using own = holdDirectory(upper)
  using image = await room.roots.holdImage(id, imageId)
  return await Array.fromAsync(compare(own, image, { path: '', depth: 0 }))
}

/** The directory of what a container changed; undefined before its first run. */
export async function upperOf({ roots }: Pick<Room, 'roots'>, id: string): Promise<string | undefined> {
  try {
    return await roots.changes(id)
  } catch (error) {
    if (errorCode(error) === 'NO_SUCH_ROOT') return undefined
    throw error
  }
}

interface Place {
  readonly path: string
  readonly depth: number
}

/** `image` is the same directory there; undefined if it has none. Throws TOO_DEEP. */
async function* compare(
  own: HeldDirectory,
  image: HeldDirectory | undefined,
  { path: directory, depth }: Place,
): AsyncGenerator<FilesystemChange> {
  if (depth > DEPTH_MAX) {
    throw failed('TOO_DEEP', `${directory.slice(0, 100)}… has more than ${DEPTH_MAX} directories in each other`)
  }
  const names = entryNames(own)
  const kept = new Set(names)
  if (image !== undefined && isOpaque(own)) yield* deletions(image, directory, kept)
  for (const name of names) {
    const path = `${directory}/${name}`
    const [now, before] = await Promise.all([statIn(own, name), image === undefined ? undefined : statIn(image, name)])
    if (now === undefined) continue
    const isWhiteout = now.isCharacterDevice() && now.rdev === 0
    if (isWhiteout) {
      if (before !== undefined) yield { Path: path, Kind: KIND.deleted }
      continue
    }
    yield* compareEntry({ own, image, name, path, depth }, now, before)
  }
}

interface Pair extends Place {
  readonly own: HeldDirectory
  readonly image: HeldDirectory | undefined
  readonly name: string
}

async function* compareEntry(pair: Pair, now: Stats, before: Stats | undefined): AsyncGenerator<FilesystemChange> {
  const { path } = pair
  const below = await Array.fromAsync(compareBelow(pair, now, before))
  if (before === undefined) {
    const isSilent = isMadeForMounts(path.slice(1), now)
    if (!isSilent || below.length > 0) yield { Path: path, Kind: isSilent ? KIND.modified : KIND.added }
  } else if (below.length > 0 || isDifferent(now, before)) yield { Path: path, Kind: KIND.modified }
  yield* below
}

async function* compareBelow(
  { own, image, name, path, depth }: Pair,
  now: Stats,
  before: Stats | undefined,
): AsyncGenerator<FilesystemChange> {
  const wasDirectory = image !== undefined && before?.isDirectory() === true
  using there = wasDirectory ? holdEntry(image, name) : undefined
  if (now.isDirectory()) {
    using here = tryHold(own, name)
    if (here !== undefined) yield* compare(here, there, { path, depth: depth + 1 })
  } else if (there !== undefined) yield* deletions(there, path, new Set())
}

async function* deletions(
  image: HeldDirectory,
  directory: string,
  kept: ReadonlySet<string>,
): AsyncGenerator<FilesystemChange> {
  for (const name of entryNames(image)) {
    if (!kept.has(name)) yield { Path: `${directory}/${name}`, Kind: KIND.deleted }
  }
}

/** Undefined for a directory that the container has replaced meanwhile. */
function tryHold(parent: HeldDirectory, name: string): HeldDirectory | undefined {
  try {
    return holdEntry(parent, name)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
}

async function statIn(parent: HeldDirectory, name: string): Promise<Stats | undefined> {
  try {
    return await lstat(`${parent.path}/${name}`)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
}

function isOpaque(directory: HeldDirectory): boolean {
  return getXattr(`${directory.path}/.`, OPAQUE_XATTR)?.toString() === 'y'
}

/** Times of directories say nothing: they change with what is in them, and by mount points that were made. Source: Docker. */
function isDifferent(now: Stats, before: Stats): boolean {
  if (now.mode !== before.mode || now.uid !== before.uid || now.gid !== before.gid || now.rdev !== before.rdev)
    return true
  if (now.isDirectory()) return false
  return now.size !== before.size || Math.floor(now.mtimeMs) !== Math.floor(before.mtimeMs)
}
