import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { compressionOf } from '../../../src/runtime/images/tar/decompress.ts'
import { gzipBlocks } from '../../../src/runtime/images/tar/gzip-blocks.ts'
import { WRAPPED_BYTES_MORE, wrapGzip } from '../../../src/runtime/images/tar/wrap-gzip.ts'
import { fc } from '../../support/property.ts'

const MEBIBYTE = 1 << 20

async function* cut(input: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < input.length; from += size) yield input.subarray(from, from + size)
}

async function pack(input: Buffer, size = 65_536): Promise<Buffer> {
  const pieces: Buffer[] = []
  // Their memory is used again.
  for await (const piece of gzipBlocks(cut(input, size))) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

/** Bytes that nothing makes smaller, the same at every run. */
function noise(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash('sha256').update(String(index)).digest(),
  )
  return Buffer.concat(blocks).subarray(0, length)
}

const text = (length: number): Buffer => Buffer.alloc(length, 'a line that comes again and again\n')

it('gives what any gzip unpacks to the input, however it was cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5_000 }), fc.integer({ min: 1, max: 700 }), async (bytes, size) => {
      const input = Buffer.from(bytes)
      const packed = await pack(input, size)
      expect(gunzipSync(packed)).toEqual(input)
      expect(await pack(input)).toEqual(packed)
    }),
    { numRuns: 50 },
  )
})

it('keeps blocks in their order over many members, the same at every run', async () => {
  const input = Buffer.concat([text(3 * MEBIBYTE + 17), noise(2 * MEBIBYTE), text(4 * MEBIBYTE)])
  const packed = await pack(input, 300_000)
  expect(gunzipSync(packed).equals(input)).toBe(true)
  expect((await pack(input, MEBIBYTE + 1)).equals(packed)).toBe(true)
  expect(compressionOf(packed)).toBe('gzip')
})

it('makes text small, and wraps what was packed before', async () => {
  expect((await pack(text(4 * MEBIBYTE))).length).toBeLessThan(MEBIBYTE / 10)
  const wrapped = await pack(noise(4 * MEBIBYTE))
  expect(wrapped.length).toBeGreaterThan(4 * MEBIBYTE)
  expect(wrapped.length).toBeLessThan(4 * MEBIBYTE * 1.001)
})

it('makes small what comes again, however even its bytes are', async () => {
  const ramp = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
  expect((await pack(Buffer.alloc(2 * MEBIBYTE, ramp))).length).toBeLessThan(MEBIBYTE / 10)
})

it.each([0, 1, 65_534, 65_535, 65_536, 131_070, 131_071, MEBIBYTE])('wraps %i bytes into what they were', length => {
  const bytes = noise(length)
  const room = Buffer.alloc(MEBIBYTE + WRAPPED_BYTES_MORE, 0xaa)
  const member = wrapGzip(bytes, room)
  expect(member.buffer).toBe(room.buffer)
  expect(gunzipSync(member).equals(bytes)).toBe(true)
})

it('makes a whole file of nothing', async () => {
  const packed = await pack(Buffer.alloc(0))
  expect(packed.length).toBeGreaterThan(0)
  expect(gunzipSync(packed).length).toBe(0)
})

it('fails with what its input fails with, and ends the input when nobody reads on', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield text(3 * MEBIBYTE)
    throw new Error('the disk is gone')
  }
  await expect(buffer(Readable.from(gzipBlocks(broken())))).rejects.toThrow('the disk is gone')
  let ended = false
  async function* endless(): AsyncGenerator<Buffer> {
    try {
      for (;;) yield text(MEBIBYTE)
    } finally {
      ended = true
    }
  }
  for await (const chunk of gzipBlocks(endless())) if (chunk.length > 0) break
  expect(ended).toBe(true)
})
