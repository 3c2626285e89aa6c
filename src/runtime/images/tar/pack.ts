import { lstatSync } from 'node:fs'
import { failed, invalidInput } from '../../../core/errors.ts'
import { entryNames } from '../../linux/files/entry-names.ts'
import { type HeldDirectory, holdDirectory, holdEntry } from '../../linux/files/fd-path.ts'
import { DEPTH_MAX } from '../../linux/files/tree-depth.ts'
import { getXattr } from '../../linux/files/xattr.ts'
import { encodeHeader, plainFile, TAR_END } from './header-writer.ts'
import {
  describe,
  entryTypeOf,
  type PackOptions,
  packFile,
  pathOf,
  type Spot,
  unlessGone,
  type Walk,
} from './pack-entry.ts'
import { OPAQUE_NAME, OPAQUE_XATTR, WHITEOUT_PREFIX } from './whiteout.ts'

/**
 * Packs what is below a directory, in the order of names: numeric owners, no user names, no clock, so the same tree always gives the
 * same bytes. Sockets are left out: nothing could answer behind them. A directory that is given held stays the caller's.
 *
 * Every directory is reached by descriptor and no link is followed, so a tree that a container changes meanwhile can add
 * nothing from outside to the archive.
 */
export async function* packTree(directory: string | HeldDirectory, options: PackOptions): AsyncGenerator<Buffer> {
  if (typeof directory === 'string') {
    using root = holdDirectory(directory)
    return yield* packTree(root, options)
  }
  const root = directory
  const { name } = options
  const prefix = name === undefined ? '' : name === '/' ? '/' : `${name}/`
  const walk: Walk = { ...options, linked: new Map(), prefix }
  if (name !== undefined)
    yield encodeHeader({ ...describe(walk, spotOf(root, '.', ''), lstatSync(`${root.path}/.`)), name: prefix })
  yield* packDirectory(walk, root)
  yield TAR_END
}

/** An archive of one file, link or device: `name` in a directory, as `options.name`. */
export async function* packOne(parent: HeldDirectory, name: string, options: PackOptions): AsyncGenerator<Buffer> {
  const walk: Walk = { ...options, linked: new Map(), prefix: '' }
  using _directory = yield* packSpot(walk, spotOf(parent, name, options.name ?? name))
  yield TAR_END
}

interface Frame {
  readonly held: HeldDirectory
  readonly path: string
  /** What is still to be packed in it, the next one last. */
  names: string[]
}

function spotOf(parent: HeldDirectory, name: string, path: string): Spot {
  return { parent, name, path }
}

/** Goes down without calling itself: how deep a tree is nested is up to whoever made it. */
async function* packDirectory(walk: Walk, root: HeldDirectory): AsyncGenerator<Buffer> {
  using held = new DisposableStack()
  const frames: Frame[] = [{ held: root, path: '', names: entryNames(root).reverse() }]
  held.defer(() => {
    for (const frame of frames) if (frame.held !== root) frame.held[Symbol.dispose]()
  })
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const name = frame.names.pop()
    if (name === undefined) {
      frames.pop()
      if (frame.held !== root) frame.held[Symbol.dispose]()
      continue
    }
    const path = frame.path === '' ? name : `${frame.path}/${name}`
    if (walk.skips?.(path) === true) continue
    const below = yield* packSpot(walk, spotOf(frame.held, name, path))
    if (below === undefined) continue
    const next: Frame = { held: below, path, names: [] }
    frames.push(next)
    if (frames.length > DEPTH_MAX) {
      const what = `more than ${DEPTH_MAX} directories in each other`
      throw failed('PACK_FAILED', `Cannot pack ${path.slice(0, 100)}…: ${what}`)
    }
    next.names = entryNames(below).reverse()
  }
}

/** Packs one name; returns the directory to go on with if it is one. */
async function* packSpot(walk: Walk, spot: Spot): AsyncGenerator<Buffer, HeldDirectory | undefined> {
  const stats = unlessGone(walk, spot, () => lstatSync(pathOf(spot)))
  if (stats === undefined) return undefined
  if (walk.whiteouts === true && spot.name.startsWith(WHITEOUT_PREFIX)) throw whiteoutName(spot)
  if (walk.whiteouts === true && stats.isCharacterDevice() && stats.rdev === 0) {
    const parent = spot.path.slice(0, spot.path.length - spot.name.length)
    yield encodeHeader(plainFile(`${walk.prefix}${parent}${WHITEOUT_PREFIX}${spot.name}`, 0))
  } else if (stats.isFile()) yield* packFile(walk, spot)
  else if (stats.isDirectory()) return yield* packEmptied(walk, spot)
  else if (entryTypeOf(stats) !== undefined) {
    const header = unlessGone(walk, spot, () => encodeHeader(describe(walk, spot, stats)))
    if (header !== undefined) yield header
  }
  return undefined
}

/** Packs a directory without what is in it. */
async function* packEmptied(walk: Walk, spot: Spot): AsyncGenerator<Buffer, HeldDirectory | undefined> {
  using scope = new DisposableStack()
  const held = unlessGone(walk, spot, () => holdEntry(spot.parent, spot.name))
  if (held === undefined) return undefined
  scope.use(held)
  const stats = lstatSync(`${held.path}/.`)
  // Looked at through the descriptor: the name may be another directory's by now.
  yield encodeHeader(describe(walk, spotOf(held, '.', spot.path), stats))
  if (walk.whiteouts === true && getXattr(`${held.path}/.`, OPAQUE_XATTR)?.toString() === 'y') {
    yield encodeHeader(plainFile(`${walk.prefix}${spot.path}/${OPAQUE_NAME}`, 0))
  }
  const isMounted = stats.dev !== lstatSync(`${spot.parent.path}/.`).dev
  if (isMounted && walk.enters?.(held) === false) return undefined
  scope.move()
  return held
}

/** In a layer such a name deletes another, so it cannot stand for itself. */
function whiteoutName({ path }: Spot): Error {
  const why = `names that begin with ${WHITEOUT_PREFIX} mean deletions in the layers of an image`
  return invalidInput('WHITEOUT_NAME', `Cannot keep ${path}: ${why}; rename it`)
}
