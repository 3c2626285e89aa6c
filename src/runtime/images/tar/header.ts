import { invalidInput, type ShoalError } from '../../../core/errors.ts'

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo'

export interface TarEntry {
  readonly name: string
  readonly type: TarEntryType
  /** Target of a symbolic link, or path in the archive of a hard link; empty for everything else. */
  readonly linkName: string
  /** Bytes of content that follow; 0 for everything but files. */
  readonly size: number
  /** Permission bits only. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeSeconds: number
  readonly device: { readonly major: number; readonly minor: number }
  readonly xattrs: ReadonlyMap<string, Buffer>
}

export const BLOCK_BYTES = 512

/** Type flags of POSIX 1003.1 (pax interchange format, ustar) and of GNU tar. */
const TYPES: Readonly<Record<string, TarEntryType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
}

const XATTR_PREFIX = 'SCHILY.xattr.'

/** What the blocks before an entry say about it: pax records, or GNU's long names under the same keys. */
export type PaxRecords = ReadonlyMap<string, Buffer>

export interface RawHeader {
  readonly flag: string
  readonly size: number
  readonly block: Buffer
}

export function badTar(why: string): ShoalError {
  return invalidInput('BAD_TAR', `Cannot read the tar archive: ${why}; make or fetch it again`)
}

/** Reads a header block; undefined for a block of zeros, which ends an archive. */
export function parseHeader(block: Buffer): RawHeader | undefined {
  let sum = 0
  for (let at = 0; at < BLOCK_BYTES; at++) sum += at >= 148 && at < 156 ? 32 : (block[at] ?? 0)
  if (sum === 8 * 32) return undefined
  if (sum !== number(block, 148, 8)) throw badTar('the checksum of a header is wrong')
  return { flag: String.fromCharCode(block[156] ?? 0), size: number(block, 124, 12), block }
}

/** Whether a block begins an archive. */
export function isTarHeader(block: Buffer): boolean {
  try {
    return block.length === BLOCK_BYTES && parseHeader(block) !== undefined
  } catch {
    return false
  }
}

/** Joins a header block and the records before it. Throws BAD_TAR for entries nobody could unpack. */
export function toEntry({ flag, size, block }: RawHeader, pax: PaxRecords): TarEntry {
  if (flag === 'S' || [...pax.keys()].some(key => key.startsWith('GNU.sparse.'))) {
    throw badTar('it holds sparse files, which layers must not have')
  }
  const name = paxText(pax, 'path') ?? headerName(block)
  const known = TYPES[flag]
  if (known === undefined) throw badTar(`the entry ${name} has the unknown type "${flag}"`)
  const type = known === 'file' && name.endsWith('/') ? 'directory' : known
  return {
    name,
    type,
    linkName: paxText(pax, 'linkpath') ?? text(block, 157, 100),
    size: type === 'file' ? (paxNumber(pax, 'size') ?? size) : 0,
    mode: number(block, 100, 8) & 0o7777,
    uid: paxNumber(pax, 'uid') ?? number(block, 108, 8),
    gid: paxNumber(pax, 'gid') ?? number(block, 116, 8),
    mtimeSeconds: paxNumber(pax, 'mtime') ?? number(block, 136, 12),
    device: { major: number(block, 329, 8), minor: number(block, 337, 8) },
    xattrs: xattrsOf(pax),
  }
}

/** Reads pax extended header records: `<length> <key>=<value>\n`. Values stay bytes: extended attributes are. */
export function parsePax(data: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>()
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at)
    const length = Number(data.toString('latin1', at, space))
    const equals = data.indexOf(0x3d, space)
    if (space < 0 || !Number.isInteger(length) || length < 5 || at + length > data.length || equals >= at + length) {
      throw badTar('an extended header is malformed')
    }
    records.set(data.toString('utf8', space + 1, equals), Buffer.from(data.subarray(equals + 1, at + length - 1)))
    at += length
  }
  return records
}

function xattrsOf(pax: PaxRecords): ReadonlyMap<string, Buffer> {
  const xattrs = new Map<string, Buffer>()
  for (const [key, value] of pax) {
    if (key.startsWith(XATTR_PREFIX)) xattrs.set(key.slice(XATTR_PREFIX.length), value)
  }
  return xattrs
}

function headerName(block: Buffer): string {
  const name = text(block, 0, 100)
  // Only POSIX headers have a prefix: GNU keeps other fields there.
  const posix = block.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = posix ? text(block, 345, 155) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

/** Reads a name. Names that are not UTF-8 are refused: a changed name would be worse than a clear no. */
export function decodeName(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  const used = end < 0 ? bytes : bytes.subarray(0, end)
  const name = used.toString('utf8')
  if (name.includes('\uFFFD') && !Buffer.from(name).equals(used)) throw badTar(`the name ${name} is not UTF-8`)
  return name
}

function text(block: Buffer, at: number, length: number): string {
  return decodeName(block.subarray(at, at + length))
}

function paxText(pax: PaxRecords, key: string): string | undefined {
  const value = pax.get(key)
  return value === undefined ? undefined : decodeName(value)
}

function paxNumber(pax: PaxRecords, key: string): number | undefined {
  const value = pax.get(key)
  if (value === undefined) return undefined
  const parsed = Number(value.toString('latin1'))
  if (!Number.isFinite(parsed) || (key !== 'mtime' && parsed < 0)) throw badTar(`the ${key} of an entry is no number`)
  return parsed
}

/** An octal number, or GNU's base-256 form for those that do not fit. */
function number(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0
  if (first & 0x80) {
    let value = first & 0x40 ? -1 : first & 0x3f
    for (let index = at + 1; index < at + length; index++) value = value * 256 + (block[index] ?? 0)
    if (!Number.isSafeInteger(value)) throw badTar('a number in a header is out of range')
    return Math.max(0, value)
  }
  const digits = block
    .toString('latin1', at, at + length)
    .replace(/\0.*$/s, '')
    .trim()
  if (digits === '') return 0
  if (!/^[0-7]+$/.test(digits)) throw badTar('a number in a header is not octal')
  return Number.parseInt(digits, 8)
}
