import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs'
import { errorCode, invalidInput } from '../../../core/errors.ts'
import { Pacer } from '../../../core/pacer.ts'
import { namePattern } from '../../../core/path-patterns.ts'
import {
  type HeldDirectory,
  heldDirectory,
  holdDirectory,
  holdInside,
  O_PATH,
  openInside,
  splitInside,
} from '../../linux/files/fd-path.ts'
import { DEPTH_MAX } from '../../linux/files/tree-depth.ts'
import { getXattr } from '../../linux/files/xattr.ts'

const HOLD = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const READ_BYTES = 256 * 1024

/** A tree that COPY takes from: the build context, or the root of another stage or image. */
export interface SourceTree {
  readonly directory: string
  /** What is said of a path that is not there. */
  readonly missing: (path: string) => string
}

/** One file, directory, link or device to copy. */
export interface SourceEntry {
  /** Below the source: empty for the source itself. */
  readonly path: string
  /** Below the tree, links resolved. */
  readonly place: string
  readonly stats: Stats
  /** Target of a symbolic link. */
  readonly linkName: string
  /** What a file may do that its user may not. */
  readonly capability: Buffer | undefined
}

/** One source of a COPY, found: a file, or a directory with all below it. */
export interface Source {
  readonly tree: SourceTree
  readonly name: string
  /** Where it was found: the path as written, with patterns filled in. */
  readonly path: readonly string[]
  readonly isDirectory: boolean
  /** Never unpacked: what was fetched from an address. */
  readonly isRemote: boolean
  readonly entries: readonly SourceEntry[]
}

/**
 * Finds what a source word means: a pattern may mean nothing, as to Docker. Throws NO_SUCH_SOURCE with Docker's words for a path
 * that is not there.
 */
export async function findSources(
  tree: SourceTree,
  word: string,
  isExcluded: (path: string) => boolean = () => false,
): Promise<readonly Source[]> {
  using root = holdDirectory(tree.directory)
  const components = inside(word)
  const isPattern = /(?<!\\)[*?[]/.test(word)
  const paths = isPattern ? expandPattern(root, components) : [components]
  const sources: Source[] = []
  for (const path of paths) sources.push(await readSource(root, tree, { path, isExcluded }))
  return sources
}

function inside(word: string): string[] {
  try {
    return splitInside(word)
  } catch (error) {
    if (errorCode(error) !== 'PATH_LEAVES_ROOT') throw error
    throw invalidInput('NO_SUCH_SOURCE', `forbidden path outside the build context: ${word} ()`)
  }
}

async function readSource(
  root: HeldDirectory,
  tree: SourceTree,
  { path, isExcluded }: { readonly path: readonly string[]; readonly isExcluded: (path: string) => boolean },
): Promise<Source> {
  const place = realPlace(root, path.join('/'), tree)
  const parts = place.split('/')
  const name = path.at(-1) ?? ''
  using parent = holdInside(root, parts.slice(0, -1).join('/'))
  const self = place === '' ? '.' : (parts.at(-1) ?? '')
  const pacer = new Pacer()
  const entries: SourceEntry[] = []
  let isDirectory = false
  for (const entry of walk(parent, { name: self, path: '', place })) {
    await pacer.step()
    const isItself = entry.path === ''
    if (isItself) isDirectory = entry.stats.isDirectory()
    if ((isItself && isDirectory) || !isExcluded(isItself ? name : entry.path)) entries.push(entry)
  }
  return { tree, name, path, isDirectory, isRemote: false, entries }
}

/** Where a path leads inside the tree, all links followed but none out of it. */
function realPlace(root: HeldDirectory, path: string, tree: SourceTree): string {
  let fd: number
  try {
    fd = openInside(root, path, O_PATH)
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) throw error
    throw invalidInput('NO_SUCH_SOURCE', tree.missing(path))
  }
  try {
    const own = readlinkSync(root.path)
    return readlinkSync(`/proc/self/fd/${fd}`).slice(own.length + 1)
  } finally {
    closeSync(fd)
  }
}

interface Spot {
  readonly name: string
  readonly path: string
  readonly place: string
}

function* walk(parent: HeldDirectory, { name, path, place }: Spot): Generator<SourceEntry> {
  const inParent = `${parent.path}/${name}`
  const stats = lstatSync(inParent)
  yield {
    path,
    place,
    stats,
    linkName: stats.isSymbolicLink() ? readlinkSync(inParent) : '',
    capability: stats.isFile() ? getXattr(inParent, 'security.capability') : undefined,
  }
  if (!stats.isDirectory()) return
  if (path.split('/').length > DEPTH_MAX) {
    throw invalidInput('TOO_DEEP', `${path.slice(0, 100)}… has more than ${DEPTH_MAX} directories in each other`)
  }
  using held = heldDirectory(openSync(inParent, HOLD))
  const below = (outer: string, inner: string): string => (outer === '' ? inner : `${outer}/${inner}`)
  for (const child of readdirSync(held.path).sort()) {
    yield* walk(held, { name: child, path: below(path, child), place: below(place, child) })
  }
}

function expandPattern(root: HeldDirectory, components: readonly string[]): readonly string[][] {
  let found: string[][] = [[]]
  for (const component of components) {
    const matches = namePattern(component)
    found = found.flatMap(path =>
      namesIn(root, path)
        .filter(matches)
        .map(name => [...path, name]),
    )
  }
  return found
}

/** Patterns look only at what is really there, not through links. */
function namesIn(root: HeldDirectory, path: readonly string[]): readonly string[] {
  try {
    using parent = holdInside(root, path.slice(0, -1).join('/'))
    using held = heldDirectory(openSync(`${parent.path}/${path.at(-1) ?? '.'}`, HOLD))
    return readdirSync(held.path).sort()
  } catch (error) {
    if (['ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return []
    throw error
  }
}

/** A digest of what a COPY would bring: names, types, modes and content; not times, which a checkout changes. */
export async function digestSources(sources: readonly Source[]): Promise<string> {
  const hash = createHash('sha256')
  const pacer = new Pacer()
  for (const source of sources) {
    hash.update(`source ${source.name}\0`)
    using root = holdDirectory(source.tree.directory)
    for (const entry of source.entries) {
      const { path, stats, linkName, capability } = entry
      hash.update(`${path}\0${stats.mode}\0${stats.isFile() ? stats.size : stats.rdev}\0${linkName}\0`)
      if (capability !== undefined) hash.update(capability)
      if (!stats.isFile()) continue
      for (const chunk of contentOf(root, entry)) {
        hash.update(chunk)
        await pacer.step(weightOf(chunk))
      }
    }
  }
  return hash.digest('hex')
}

/** What handling a piece of content is worth to a {@link Pacer}. */
export function weightOf(chunk: Buffer): number {
  return 1 + chunk.length / 16_384
}

/** The content of a file of a tree, piece by piece; the buffer is used again for the next piece. */
export function* contentOf(root: HeldDirectory, { place, stats }: SourceEntry): Generator<Buffer> {
  const fd = openInside(root, place, READ)
  try {
    // A tree does not change while it is read; if it did, what comes must still be what was announced.
    const now = fstatSync(fd)
    if (!now.isFile() || now.size !== stats.size) throw changed(place)
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, stats.size))
    for (let left = stats.size; left > 0; ) {
      const read = readSync(fd, buffer, 0, Math.min(buffer.length, left), null)
      if (read === 0) throw changed(place)
      yield buffer.subarray(0, read)
      left -= read
    }
  } finally {
    closeSync(fd)
  }
}

function changed(place: string): Error {
  return invalidInput('SOURCE_CHANGED', `${place} changed while it was copied: build again`)
}
