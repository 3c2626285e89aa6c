import { constants, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage, failed } from '../../../core/errors.ts'
import { decodeDevice, getXattr, listXattrs } from '../../linux/xattr.ts'
import type { TarEntry, TarEntryType } from './header.ts'
import { encodeHeader, plainFile, TAR_END, tarPadding } from './header-writer.ts'
import { OPAQUE_NAME, OPAQUE_XATTR, WHITEOUT_PREFIX } from './whiteout.ts'

const READ_BYTES = 256 * 1024

export interface PackOptions {
  /** Write overlayfs' deletions as `.wh.` entries: for the upper directory of a mount. */
  readonly whiteouts: boolean
  /** Later times are set back to this, so that equal content gives equal bytes. */
  readonly mtimeMaxSeconds?: number | undefined
}

interface Walk extends PackOptions {
  readonly directory: string
  /** Files with several names: device and inode -> the name that holds the content. */
  readonly linked: Map<string, string>
}

/**
 * Packs what is below a directory, in the order of names: numeric owners, no user names, no clock, so the same tree
 * always gives the same bytes. Sockets are left out: nothing could answer behind them.
 */
export async function* packTree(directory: string, options: PackOptions): AsyncGenerator<Buffer> {
  yield* packDirectory({ ...options, directory, linked: new Map() }, '')
  yield TAR_END
}

async function* packDirectory(walk: Walk, prefix: string): AsyncGenerator<Buffer> {
  for (const name of readdirSync(join(walk.directory, prefix)).sort()) {
    const inner = prefix === '' ? name : `${prefix}/${name}`
    const path = join(walk.directory, inner)
    const stats = statEntry(path)
    if (walk.whiteouts && stats.isCharacterDevice() && stats.rdev === 0) {
      yield encodeHeader(plainFile(`${prefix === '' ? '' : `${prefix}/`}${WHITEOUT_PREFIX}${name}`, 0))
      continue
    }
    const entry = describe(walk, inner, stats)
    if (entry === undefined) continue
    yield encodeHeader(entry)
    if (entry.type === 'file') yield* packContent(path, entry.size)
    if (entry.type !== 'directory') continue
    if (walk.whiteouts && getXattr(path, OPAQUE_XATTR)?.toString() === 'y') {
      yield encodeHeader(plainFile(`${inner}/${OPAQUE_NAME}`, 0))
    }
    yield* packDirectory(walk, inner)
  }
}

function statEntry(path: string): Stats {
  try {
    return lstatSync(path)
  } catch (error) {
    throw failed('PACK_FAILED', `Cannot pack ${path} (${errorMessage(error)}): is something changing the directory?`, {
      cause: error,
    })
  }
}

function describe(walk: Walk, inner: string, stats: Stats): TarEntry | undefined {
  const type = typeOf(stats)
  if (type === undefined) return undefined
  const path = join(walk.directory, inner)
  const first = type === 'directory' || stats.nlink < 2 ? undefined : firstName(walk, inner, stats)
  return {
    name: type === 'directory' ? `${inner}/` : inner,
    type: first === undefined ? type : 'hardlink',
    linkName: first ?? (type === 'symlink' ? readlinkSync(path) : ''),
    size: first === undefined && type === 'file' ? stats.size : 0,
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    mtimeSeconds: Math.min(Math.floor(stats.mtimeMs / 1000), walk.mtimeMaxSeconds ?? Number.MAX_SAFE_INTEGER),
    device: type === 'char' || type === 'block' ? decodeDevice(stats.rdev) : { major: 0, minor: 0 },
    xattrs: type === 'symlink' ? new Map() : readXattrs(path),
  }
}

/** The name under which a file with several names was packed already; remembers this one if there is none. */
function firstName({ linked }: Walk, inner: string, { dev, ino }: Stats): string | undefined {
  const key = `${dev}:${ino}`
  const first = linked.get(key)
  if (first === undefined) linked.set(key, inner)
  return first
}

function typeOf(stats: Stats): TarEntryType | undefined {
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

async function* packContent(path: string, size: number): AsyncGenerator<Buffer> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  for (let done = 0; done < size; ) {
    const { bytesRead, buffer } = await file.read(
      Buffer.allocUnsafe(Math.min(READ_BYTES, size - done)),
      0,
      undefined,
      -1,
    )
    if (bytesRead === 0) throw failed('PACK_FAILED', `The file ${path} shrank while it was packed: try again`)
    done += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
  yield tarPadding(size)
}
