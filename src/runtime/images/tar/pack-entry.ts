import { closeSync, constants, fstatSync, openSync, read, readlinkSync, readSync, type Stats } from 'node:fs'
import { promisify } from 'node:util'
import { errorCode, errorMessage, failed } from '../../../core/errors.ts'
import type { HeldDirectory } from '../../linux/files/fd-path.ts'
import { decodeDevice, getXattr, listXattrs } from '../../linux/files/xattr.ts'
import type { TarEntry, TarEntryType } from './header.ts'
import { encodeHeader, tarPadding } from './header-writer.ts'

/** So much of a large file is one piece. */
export const PIECE_BYTES = 256 * 1024
/** A file up to this is read at once. */
const SMALL_BYTES = 64 * 1024

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
  /** Memory of {@link PIECE_BYTES} for the next piece of a large file; absent: new memory for each, which is much garbage. */
  readonly room?: () => Buffer
}

/** What packing a tree remembers. */
export interface Walk extends PackOptions {
  /** Files with several names: device and inode -> the name that holds the content. */
  readonly linked: Map<string, string>
  readonly prefix: string
}

/** A name in a directory that is held open: nothing else on the way to it can be swapped. */
export interface Spot {
  readonly parent: HeldDirectory
  readonly name: string
  /** Below the directory that is packed. */
  readonly path: string
}

/** The header and the content of a regular file. What was opened counts, not what has the name by now. */
export async function* packFile(walk: Walk, spot: Spot): AsyncGenerator<Buffer> {
  const fd = unlessGone(walk, spot, () => openSync(pathOf(spot), READ))
  if (fd === undefined) return
  using _closed = { [Symbol.dispose]: () => closeSync(fd) }
  const stats = fstatSync(fd)
  if (!stats.isFile()) return
  const entry = unlessGone(walk, spot, () => describe(walk, spot, stats))
  if (entry === undefined) return
  const header = encodeHeader(entry)
  if (entry.type !== 'file') yield header
  // Most files are small: reading them at once saves more than it holds others up.
  else if (entry.size <= SMALL_BYTES)
    yield Buffer.concat([header, readSmall(fd, entry.size, spot), tarPadding(entry.size)])
  else {
    yield header
    yield* packContent(fd, entry.size, { spot, room: walk.room })
  }
}

function readSmall(fd: number, size: number, spot: Spot): Buffer {
  const content = Buffer.allocUnsafe(size)
  for (let done = 0; done < size; ) {
    const count = readSync(fd, content, done, size - done, null)
    if (count === 0) throw shrank(spot)
    done += count
  }
  return content
}

async function* packContent(
  fd: number,
  size: number,
  { spot, room = () => Buffer.allocUnsafe(PIECE_BYTES) }: { readonly spot: Spot; readonly room: PackOptions['room'] },
): AsyncGenerator<Buffer> {
  for (let done = 0; done < size; ) {
    const piece = room()
    const { bytesRead } = await readSome(fd, piece, 0, Math.min(PIECE_BYTES, size - done), null)
    if (bytesRead === 0) throw shrank(spot)
    done += bytesRead
    yield piece.subarray(0, bytesRead)
  }
  yield tarPadding(size)
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

export function describe(walk: Walk, spot: Spot, stats: Stats): TarEntry {
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
    xattrs: type === 'symlink' ? new Map() : readXattrs(path),
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

function readXattrs(path: string): ReadonlyMap<string, Buffer> {
  const xattrs = new Map<string, Buffer>()
  for (const name of listXattrs(path)) {
    if (name !== 'security.capability' && !(name.startsWith('user.') && !name.startsWith('user.overlay.'))) continue
    const value = getXattr(path, name)
    if (value !== undefined) xattrs.set(name, value)
  }
  return xattrs
}
