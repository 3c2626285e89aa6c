import { closeSync, constants, fstatSync, openSync, read, readlinkSync, readSync, type Stats } from 'node:fs'
import { promisify } from 'node:util'
import { errorCode, errorMessage, failed } from '../../../core/errors.ts'
import type { HeldDirectory } from '../../linux/files/fd-path.ts'
import { decodeDevice, getXattr, listXattrs } from '../../linux/files/xattr.ts'
import type { TarEntry, TarEntryType } from './header.ts'
import { encodeHeader, padTar } from './header-writer.ts'
import type { Pieces } from './pieces.ts'

/** A file up to this is read at once. */
export const SMALL_BYTES = 64 * 1024
/** A read that brings less is not worth its call. */
const READ_BYTES_MIN = 16 * 1024

const NO_XATTRS: ReadonlyMap<string, Buffer> = new Map()
const readSome = promisify(read)
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export interface PackOptions {
  /** Write overlayfs' deletions as `.wh.` entries: for the upper directory of a mount. */
  readonly whiteouts?: boolean
  /** Later times are set back to this, so that equal content gives equal bytes. */
  readonly mtimeMaxSeconds?: number | undefined
  /** Only times that are not before this. */
  readonly mtimeFromSeconds?: number | undefined
  /** What the archive calls the directory itself; absent: it has no entry, and names are those below it. */
  readonly name?: string
  /** Something may change the tree meanwhile: what is gone when its turn comes is left out. */
  readonly live?: boolean
  /** Paths below the directory that are left out with all below them. */
  readonly skips?: (path: string) => boolean
  /** Whether to go on into what is mounted below the directory; absent: always. */
  readonly enters?: (mounted: HeldDirectory) => boolean
  /** Memory of {@link PIECE_BYTES} for the next piece; absent: new memory for each, which is much garbage. */
  readonly room?: () => Buffer
}

/** What packing a tree remembers. */
export interface Walk extends PackOptions {
  /** Files with several names: device and inode -> the name that holds the content. */
  readonly linked: Map<string, string>
  readonly prefix: string
  readonly pieces: Pieces
}

/** A name in a directory that is held open: nothing else on the way to it can be swapped. */
export interface Spot {
  readonly parent: HeldDirectory
  readonly name: string
  /** Below the directory that is packed. */
  readonly path: string
}

/** A file that is held open because its content is still to be packed. */
export interface LargeFile extends Disposable {
  readonly fd: number
  readonly size: number
}

/**
 * Packs a regular file, or of a large one its header alone. What was opened counts, not what has the name by now. Most files
 * are small: reading them at once saves more than it holds others up.
 */
export function packFile(walk: Walk, spot: Spot): LargeFile | undefined {
  const fd = unlessGone(walk, spot, () => openSync(pathOf(spot), READ))
  if (fd === undefined) return undefined
  using scope = new DisposableStack()
  scope.defer(() => closeSync(fd))
  const stats = fstatSync(fd)
  if (!stats.isFile()) return undefined
  const entry = unlessGone(walk, spot, () => describe(walk, spot, stats, fd))
  if (entry === undefined) return undefined
  const { take } = walk.pieces
  encodeHeader(entry, take)
  if (entry.type !== 'file') return undefined
  if (entry.size <= SMALL_BYTES) {
    readSmall(fd, take(entry.size), spot)
    padTar(entry.size, take)
    return undefined
  }
  const kept = scope.move()
  return { fd, size: entry.size, [Symbol.dispose]: () => kept.dispose() }
}

function readSmall(fd: number, content: Buffer, spot: Spot): void {
  for (let done = 0; done < content.length; ) {
    const count = readSync(fd, content, done, content.length - done, null)
    if (count === 0) throw shrank(spot)
    done += count
  }
}

export async function* packContent({ pieces }: Walk, { fd, size }: LargeFile, spot: Spot): AsyncGenerator<Buffer> {
  for (let done = 0; done < size; ) {
    if (pieces.free < READ_BYTES_MIN) yield* pieces.flush()
    const into = pieces.next(size - done)
    const { bytesRead } = await readSome(fd, into, 0, into.length, null)
    if (bytesRead === 0) throw shrank(spot)
    done += bytesRead
    pieces.advance(bytesRead)
  }
  padTar(size, pieces.take)
}

function shrank({ path }: Spot): Error {
  return failed('PACK_FAILED', `The file ${path} shrank while it was packed: try again`)
}

export function pathOf({ parent, name }: Spot): string {
  return `${parent.path}/${name}`
}

export function unlessGone<T>(walk: Walk, spot: Spot, work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (isGone(walk, error)) return undefined
    throw packError(spot, error)
  }
}

function isGone({ live = false }: Walk, error: unknown): boolean {
  return live && ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ESTALE'].includes(errorCode(error) ?? '')
}

function packError({ path }: Spot, cause: unknown): Error {
  return failed('PACK_FAILED', `Cannot pack ${path} (${errorMessage(cause)}): is something changing the directory?`, {
    cause,
  })
}

/** `fd`: the file itself, if it is open. */
export function describe(walk: Walk, spot: Spot, stats: Stats, fd?: number): TarEntry {
  const type = entryTypeOf(stats) ?? 'file'
  const path = pathOf(spot)
  const first = type === 'directory' || stats.nlink < 2 ? undefined : firstName(walk, spot.path, stats)
  return {
    name: `${walk.prefix}${spot.path}${type === 'directory' ? '/' : ''}`,
    type: first === undefined ? type : 'hardlink',
    linkName: first ?? (type === 'symlink' ? readlinkSync(path) : ''),
    size: first === undefined && type === 'file' ? stats.size : 0,
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    mtimeSeconds: mtimeOf(walk, stats),
    device: type === 'char' || type === 'block' ? decodeDevice(stats.rdev) : { major: 0, minor: 0 },
    xattrs: type === 'symlink' ? NO_XATTRS : readXattrs(fd ?? path),
  }
}

function mtimeOf({ mtimeMaxSeconds, mtimeFromSeconds = 0 }: Walk, { mtimeMs }: Stats): number {
  const seconds = Math.floor(mtimeMs / 1000)
  const isLate = mtimeMaxSeconds !== undefined && seconds > mtimeMaxSeconds
  return isLate && seconds >= mtimeFromSeconds ? mtimeMaxSeconds : seconds
}

/** The name under which a file with several names was packed already; remembers this one if there is none. */
function firstName({ linked, prefix }: Walk, path: string, { dev, ino }: Stats): string | undefined {
  const key = `${dev}:${ino}`
  const first = linked.get(key)
  if (first === undefined) linked.set(key, `${prefix}${path}`)
  return first
}

/** What a file is in a tar; undefined for what a tar cannot hold. */
export function entryTypeOf(stats: Stats): TarEntryType | undefined {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  if (stats.isCharacterDevice()) return 'char'
  if (stats.isBlockDevice()) return 'block'
  return stats.isFIFO() ? 'fifo' : undefined
}

function readXattrs(file: string | number): ReadonlyMap<string, Buffer> {
  const names = listXattrs(file)
  if (names.length === 0) return NO_XATTRS
  const xattrs = new Map<string, Buffer>()
  for (const name of names) {
    if (name !== 'security.capability' && !(name.startsWith('user.') && !name.startsWith('user.overlay.'))) continue
    const value = getXattr(file, name)
    if (value !== undefined) xattrs.set(name, value)
  }
  return xattrs
}
