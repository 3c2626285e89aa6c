import { crc32 } from 'node:zlib'

/** No name, no time, made on Unix. Source: RFC 1952, 2.3. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
const TRAILER_BYTES = 8
/** Of a stored part: whether it is the last, its length, and its length's complement. Source: RFC 1951, 3.2.4. */
const PART_HEADER_BYTES = 5
const PART_BYTES_MAX = 0xffff
const PARTS_MAX = 17

/** What wrapping adds to a mebibyte at most. */
export const WRAPPED_BYTES_MORE = HEADER.length + PARTS_MAX * PART_HEADER_BYTES + TRAILER_BYTES

/** Makes a gzip member of bytes as they are, in memory that has room for it; returns what of it is the member. */
export function wrapGzip(bytes: Buffer, room: Buffer): Buffer {
  let end = HEADER.copy(room)
  let done = 0
  do {
    const part = bytes.subarray(done, done + PART_BYTES_MAX)
    done += part.length
    end = room.writeUInt8(done === bytes.length ? 1 : 0, end)
    end = room.writeUInt16LE(part.length, end)
    end = room.writeUInt16LE(~part.length & 0xffff, end)
    end += part.copy(room, end)
  } while (done < bytes.length)
  end = room.writeUInt32LE(crc32(bytes), end)
  return room.subarray(0, room.writeUInt32LE(bytes.length, end))
}
