import { crc32, inflateRawSync } from 'node:zlib'
import { errorMessage, invalidInput } from '../../../core/errors.ts'

interface Limits {
  readonly filesMax: number
  /** Of all files together, unpacked. */
  readonly bytesMax: number
}

/** Signatures and sizes of APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16. */
const LOCAL = { signature: 0x04034b50, bytes: 30 }
const CENTRAL = { signature: 0x02014b50, bytes: 46 }
const END = { signature: 0x06054b50, bytes: 22 }
const COMMENT_BYTES_MAX = 0xffff
const ENCRYPTED = 1
const [STORED, DEFLATED] = [0, 8]

export function isZip(archive: Buffer): boolean {
  return archive.length >= END.bytes && [LOCAL.signature, END.signature].includes(archive.readUInt32LE(0))
}

/** The files of a zip by their paths; folders are left out. Throws BAD_ARCHIVE for one that is damaged or too large. */
export function unzip(archive: Buffer, { filesMax, bytesMax }: Limits): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>()
  let left = bytesMax
  try {
    const { count, offset } = directoryOf(archive)
    if (count > filesMax) throw new RangeError(`there are more than ${filesMax} files in it`)
    let at = offset
    for (let index = 0; index < count; index++) {
      const entry = readEntry(archive, at)
      at = entry.next
      if (entry.name.endsWith('/')) continue
      const content = unpack(archive, entry, left)
      left -= content.length
      files.set(entry.name, content)
    }
  } catch (error) {
    throw invalidInput('BAD_ARCHIVE', `Cannot import this zip: ${errorMessage(error)}`)
  }
  return files
}

/** Where the central directory is: said at the end, before a comment of unknown length. */
function directoryOf(archive: Buffer): { count: number; offset: number } {
  const first = Math.max(0, archive.length - END.bytes - COMMENT_BYTES_MAX)
  for (let at = archive.length - END.bytes; at >= first; at--) {
    if (archive.readUInt32LE(at) !== END.signature) continue
    return { count: archive.readUInt16LE(at + 10), offset: archive.readUInt32LE(at + 16) }
  }
  throw new RangeError('it has no end')
}

interface Entry {
  readonly name: string
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly packedBytes: number
  readonly bytes: number
  readonly local: number
  readonly next: number
}

function readEntry(archive: Buffer, at: number): Entry {
  if (archive.readUInt32LE(at) !== CENTRAL.signature) throw new RangeError('its list of files is damaged')
  const short = (offset: number): number => archive.readUInt16LE(at + offset)
  const long = (offset: number): number => archive.readUInt32LE(at + offset)
  const nameEnd = at + CENTRAL.bytes + short(28)
  return {
    name: archive.toString('utf8', at + CENTRAL.bytes, nameEnd),
    flags: short(8),
    method: short(10),
    crc: long(16),
    packedBytes: long(20),
    bytes: long(24),
    local: long(42),
    next: nameEnd + short(30) + short(32),
  }
}

function unpack(archive: Buffer, entry: Entry, bytesMax: number): Buffer {
  const { name, flags, method, local, packedBytes, bytes, crc } = entry
  const what = JSON.stringify(name)
  if ((flags & ENCRYPTED) !== 0) throw new RangeError(`${what} is encrypted`)
  if (bytes > bytesMax) throw new RangeError('it is too large')
  if (archive.readUInt32LE(local) !== LOCAL.signature) throw new RangeError(`${what} is not where it should be`)
  const start = local + LOCAL.bytes + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
  const packed = archive.subarray(start, start + packedBytes)
  if (method !== STORED && method !== DEFLATED) throw new RangeError(`${what} is packed in an unknown way`)
  // Never more than it says: a few bytes can be packed zeros without end.
  const content = method === STORED ? packed : inflateRawSync(packed, { maxOutputLength: Math.max(1, bytes) })
  if (content.length !== bytes || crc32(content) !== crc) throw new RangeError(`${what} is damaged`)
  return content
}
