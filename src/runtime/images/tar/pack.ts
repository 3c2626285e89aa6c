import { lstatSync } from 'node:fs'
import { failed, invalidInput } from '../../../core/errors.ts'
import { Pacer } from '../../../core/pacer.ts'
import { entryNames } from '../../linux/files/entry-names.ts'
import { type HeldDirectory, holdDirectory, holdEntry } from '../../linux/files/fd-path.ts'
import { DEPTH_MAX } from '../../linux/files/tree-depth.ts'
import { getXattr } from '../../linux/files/xattr.ts'
import { encodeHeader, plainFile, TAR_END } from './header-writer.ts'
import {
  describe,
  entryTypeOf,
  type LargeFile,
  type PackOptions,
  packContent,
  packFile,
  pathOf,
  SMALL_BYTES,
  type Spot,
  unlessGone,
  type Walk,
} from './pack-entry.ts'
import { Pieces } from './pieces.ts'
import { OPAQUE_NAME, OPAQUE_XATTR, WHITEOUT_PREFIX } from './whiteout.ts'

/** A piece with less room is passed on before the next entry: a small file with its header, but for rare long names. */
const ENTRY_BYTES = SMALL_BYTES + 4 * 1024
/** It is looked at, opened, read and closed. */
const ENTRY_WORK = 2

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
  const walk = walkOf(options, prefix)
  const { take } = walk.pieces
  if (name !== undefined) {
    const own = describe(walk, spotOf(root, '.', ''), lstatSync(`${root.path}/.`))
    encodeHeader({ ...own, name: prefix }, take)
  }
  yield* packDirectory(walk, root)
  yield* packEnd(walk)
}

/** An archive of one file, link or device: `name` in a directory, as `options.name`. */
export async function* packOne(parent: HeldDirectory, name: string, options: PackOptions): AsyncGenerator<Buffer> {
  const walk = walkOf(options, '')
  const spot = spotOf(parent, name, options.name ?? name)
  using left = packSpot(walk, spot)
  if (left !== undefined && 'size' in left) yield* packContent(walk, left, spot)
  yield* packEnd(walk)
}

function walkOf(options: PackOptions, prefix: string): Walk {
  return { ...options, linked: new Map(), prefix, pieces: new Pieces(options.room) }
}

function packEnd({ pieces }: Walk): Generator<Buffer> {
  TAR_END.copy(pieces.take(TAR_END.length))
  return pieces.flush()
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
  const pacer = new Pacer()
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
    if (walk.pieces.free < ENTRY_BYTES) yield* walk.pieces.flush()
    await pacer.step(ENTRY_WORK)
    const spot = spotOf(frame.held, name, path)
    const left = packSpot(walk, spot)
    if (left === undefined) continue
    if ('size' in left) {
      using file = left
      yield* packContent(walk, file, spot)
      continue
    }
    const next: Frame = { held: left, path, names: [] }
    frames.push(next)
    if (frames.length > DEPTH_MAX) {
      const what = `more than ${DEPTH_MAX} directories in each other`
      throw failed('PACK_FAILED', `Cannot pack ${path.slice(0, 100)}…: ${what}`)
    }
    next.names = entryNames(left).reverse()
  }
}

/** Packs one name. Returns what is left to do: a directory to go on with, or a file whose content is to be read. */
function packSpot(walk: Walk, spot: Spot): HeldDirectory | LargeFile | undefined {
  const stats = unlessGone(walk, spot, () => lstatSync(pathOf(spot)))
  if (stats === undefined) return undefined
  if (walk.whiteouts === true && spot.name.startsWith(WHITEOUT_PREFIX)) throw whiteoutName(spot)
  if (stats.isFile()) return packFile(walk, spot)
  if (stats.isDirectory()) return packEmptied(walk, spot)
  const { take } = walk.pieces
  if (walk.whiteouts === true && stats.isCharacterDevice() && stats.rdev === 0) {
    const parent = spot.path.slice(0, spot.path.length - spot.name.length)
    encodeHeader(plainFile(`${walk.prefix}${parent}${WHITEOUT_PREFIX}${spot.name}`, 0), take)
  } else if (entryTypeOf(stats) !== undefined) {
    const entry = unlessGone(walk, spot, () => describe(walk, spot, stats))
    if (entry !== undefined) encodeHeader(entry, take)
  }
  return undefined
}

/** Packs a directory without what is in it. */
function packEmptied(walk: Walk, spot: Spot): HeldDirectory | undefined {
  using scope = new DisposableStack()
  const held = unlessGone(walk, spot, () => holdEntry(spot.parent, spot.name))
  if (held === undefined) return undefined
  scope.use(held)
  const { take } = walk.pieces
  const stats = lstatSync(`${held.path}/.`)
  // Looked at through the descriptor: the name may be another directory's by now.
  encodeHeader(describe(walk, spotOf(held, '.', spot.path), stats), take)
  if (walk.whiteouts === true && getXattr(`${held.path}/.`, OPAQUE_XATTR)?.toString() === 'y') {
    encodeHeader(plainFile(`${walk.prefix}${spot.path}/${OPAQUE_NAME}`, 0), take)
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
