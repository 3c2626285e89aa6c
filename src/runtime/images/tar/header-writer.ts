import { BLOCK_BYTES, type TarEntry, type TarEntryType } from './header.ts'

const FLAGS: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
}

/** Of ustar's fields for a name and for where a link leads. */
const NAME_BYTES = 100
/** Behind the last field that we write there are zeros. */
const FIELDS_END = 345

/** Two blocks of zeros end an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES)

/** Gives memory for so many bytes, which may hold anything. */
type Take = (bytes: number) => Buffer

/**
 * The header of an entry, with a pax header before it where ustar's fields are too small. The same entry always gives the
 * same bytes: no clock, no user names, pax records in a fixed order.
 */
export function encodeHeader(entry: TarEntry, take: Take = newBytes): Buffer {
  const records = paxRecords(entry)
  if (records.length === 0) return writeBlock(take(BLOCK_BYTES), entry, { flag: FLAGS[entry.type], size: entry.size })
  const body = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)))
  const holder = { ...entry, name: 'PaxHeaders/entry', linkName: '', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 }
  const padded = body.length + paddingOf(body.length)
  const header = take(padded + 2 * BLOCK_BYTES)
  writeBlock(header.subarray(0, BLOCK_BYTES), holder, { flag: 'x', size: body.length })
  header.fill(0, BLOCK_BYTES + body.length, BLOCK_BYTES + padded)
  body.copy(header, BLOCK_BYTES)
  writeBlock(header.subarray(BLOCK_BYTES + padded), entry, { flag: FLAGS[entry.type], size: entry.size })
  return header
}

/** Zeros that fill the last block of a content of the given size. */
export function tarPadding(size: number): Buffer {
  return padTar(size, newBytes)
}

/** As {@link tarPadding}, in memory that is given. */
export function padTar(size: number, take: Take): Buffer {
  return take(paddingOf(size)).fill(0)
}

function newBytes(bytes: number): Buffer {
  return Buffer.allocUnsafe(bytes)
}

function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES
}

/** A plain file entry owned by root: what archives of images are made of. */
export function plainFile(name: string, size: number): TarEntry {
  return {
    name,
    type: 'file',
    linkName: '',
    size,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
    device: { major: 0, minor: 0 },
    xattrs: new Map(),
  }
}

function paxRecords(entry: TarEntry): readonly (readonly [string, Buffer])[] {
  const records: [string, Buffer][] = []
  if (!fitsUstar(entry.name)) records.push(['path', Buffer.from(entry.name)])
  if (!fitsUstar(entry.linkName)) records.push(['linkpath', Buffer.from(entry.linkName)])
  if (entry.size > 0o77777777777) records.push(['size', Buffer.from(`${entry.size}`)])
  if (entry.uid > 0o7777777) records.push(['uid', Buffer.from(`${entry.uid}`)])
  if (entry.gid > 0o7777777) records.push(['gid', Buffer.from(`${entry.gid}`)])
  for (const key of [...entry.xattrs.keys()].sort()) {
    records.push([`SCHILY.xattr.${key}`, entry.xattrs.get(key) ?? Buffer.alloc(0)])
  }
  return records
}

/** A record begins with its own length, digits of the length included. */
function paxRecord(key: string, value: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')])
  let length = body.length + `${body.length}`.length
  if (`${length}`.length > `${body.length}`.length) length = body.length + `${length}`.length
  return Buffer.concat([Buffer.from(`${length}`), body])
}

/** Names that are short and all ASCII need nothing more. */
function fitsUstar(name: string): boolean {
  return name.length <= NAME_BYTES && Buffer.byteLength(name) === name.length
}

function writeBlock(
  block: Buffer,
  entry: TarEntry,
  { flag, size }: { readonly flag: string; readonly size: number },
): Buffer {
  block.fill(0)
  writeName(block, entry.name, 0)
  const owner = `${octal(entry.mode, 7)}\0${octal(entry.uid, 7)}\0${octal(entry.gid, 7)}\0`
  const seconds = Math.max(0, Math.floor(entry.mtimeSeconds))
  // Eight spaces are what the sum is made with.
  const numbers = `${owner}${octal(size, 11)}\0${octal(seconds, 11)}\0        ${flag}`
  block.write(numbers, 100, 'latin1')
  writeName(block, entry.linkName, 157)
  block.write('ustar\x0000', 257, 'latin1')
  block.write(`${octal(entry.device.major, 7)}\0${octal(entry.device.minor, 7)}`, 329, 'latin1')
  let sum = 0
  for (let at = 0; at < FIELDS_END; at++) sum += block[at] ?? 0
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1')
  return block
}

/** Cuts off what is too long: then a pax record has the whole. */
function writeName(block: Buffer, name: string, at: number): void {
  if (fitsUstar(name)) block.write(name, at, 'latin1')
  else Buffer.from(name).copy(block, at, 0, NAME_BYTES)
}

function octal(value: number, digits: number): string {
  return Math.min(value, 8 ** digits - 1)
    .toString(8)
    .padStart(digits, '0')
}
