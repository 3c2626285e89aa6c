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

/** Two blocks of zeros end an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES)

/**
 * The header of an entry, with a pax header before it where ustar's fields are too small. The same entry always gives the
 * same bytes: no clock, no user names, pax records in a fixed order.
 */
export function encodeHeader(entry: TarEntry): Buffer {
  const records = paxRecords(entry)
  const main = ustarBlock(entry, FLAGS[entry.type], entry.size)
  if (records.length === 0) return main
  const body = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)))
  const holder = { ...entry, name: 'PaxHeaders/entry', linkName: '', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 }
  return Buffer.concat([ustarBlock(holder, 'x', body.length), body, tarPadding(body.length), main])
}

/** Zeros that fill the last block of a content of the given size. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES)
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
  const name = Buffer.from(entry.name)
  const link = Buffer.from(entry.linkName)
  if (name.length > 100 || name.length !== entry.name.length) records.push(['path', name])
  if (link.length > 100 || link.length !== entry.linkName.length) records.push(['linkpath', link])
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

function ustarBlock(entry: TarEntry, flag: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES)
  const octal = (value: number, at: number, length: number): void => {
    const largest = 8 ** (length - 1) - 1
    block.write(
      Math.min(value, largest)
        .toString(8)
        .padStart(length - 1, '0'),
      at,
      'latin1',
    )
  }
  Buffer.from(entry.name).copy(block, 0, 0, 100)
  octal(entry.mode, 100, 8)
  octal(entry.uid, 108, 8)
  octal(entry.gid, 116, 8)
  octal(size, 124, 12)
  octal(Math.max(0, Math.floor(entry.mtimeSeconds)), 136, 12)
  block.fill(0x20, 148, 156)
  block.write(flag, 156, 'latin1')
  Buffer.from(entry.linkName).copy(block, 157, 0, 100)
  block.write('ustar\x0000', 257, 'latin1')
  octal(entry.device.major, 329, 8)
  octal(entry.device.minor, 337, 8)
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
