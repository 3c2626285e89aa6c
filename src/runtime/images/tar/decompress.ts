import { type Duplex, Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { programDecompressor } from './program-decompressor.ts'

/** Magic numbers of the formats that archives of images come in. */
const FORMATS: readonly { readonly name: string; readonly magic: Buffer }[] = [
  { name: 'gzip', magic: Buffer.from([0x1f, 0x8b]) },
  { name: 'zstd', magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) },
  { name: 'bzip2', magic: Buffer.from('BZh') },
  { name: 'xz', magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]) },
]

/** The compression that the first bytes of a file tell of; undefined for none. */
export function compressionOf(head: Buffer): string | undefined {
  return FORMATS.find(({ magic }) => head.subarray(0, magic.length).equals(magic))?.name
}

/** Reads a stream uncompressed, whatever it is packed with; `packedBytes` tells how much was read from it so far. */
export async function decompressor(
  source: Readable,
): Promise<{ readonly stream: Readable; readonly packedBytes: () => number }> {
  let packed = 0
  const iterator: AsyncIterator<Buffer> = source[Symbol.asyncIterator]()
  const head = await atLeast(iterator, 6)
  const rest = async function* (): AsyncGenerator<Buffer> {
    try {
      packed += head.length
      if (head.length > 0) yield head
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
        packed += next.value.length
        yield next.value
      }
    } finally {
      source.destroy()
    }
  }
  const input = Readable.from(rest(), { objectMode: false })
  const unpack = unpackerOf(compressionOf(head))
  if (unpack === undefined) return { stream: input, packedBytes: () => packed }
  input.on('error', error => unpack.destroy(error))
  unpack.on('close', () => input.destroy())
  return { stream: input.pipe(unpack), packedBytes: () => packed }
}

function unpackerOf(format: string | undefined): Duplex | undefined {
  switch (format) {
    case undefined:
      return undefined
    case 'gzip':
      return createGunzip({ chunkSize: 256 * 1024 })
    case 'zstd':
      return createZstdDecompress({ chunkSize: 256 * 1024 })
    default:
      return programDecompressor(format)
  }
}

async function atLeast(iterator: AsyncIterator<Buffer>, bytes: number): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0)
  while (head.length < bytes) {
    const next = await iterator.next()
    if (next.done === true) break
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value])
  }
  return head
}
