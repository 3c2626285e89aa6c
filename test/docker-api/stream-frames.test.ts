import { describe, expect, it } from 'vitest'
import { encodeFrame, FrameDecoder } from '../../src/docker-api/index.ts'
import { fc } from '../support/property.ts'

describe('FrameDecoder', () => {
  const frame = fc.record({
    stream: fc.constantFrom('stdout' as const, 'stderr' as const),
    text: fc.string({ maxLength: 40 }),
  })

  it('gives back the frames however the bytes were cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.integer({ min: 1, max: 20 }), (frames, cut) => {
        const bytes = Buffer.concat(frames.map(({ stream, text }) => encodeFrame(stream, Buffer.from(text))))
        const decoder = new FrameDecoder()
        const seen = []
        for (let at = 0; at < bytes.length; at += cut) seen.push(...decoder.push(bytes.subarray(at, at + cut)))
        expect(seen.map(({ stream, data }) => ({ stream, text: data.toString() }))).toEqual(
          frames.map(({ stream, text }) => ({ stream, text: Buffer.from(text).toString() })),
        )
      }),
    )
  })

  it('refuses bytes that are no frames instead of waiting for gigabytes', () => {
    expect(() => new FrameDecoder().push(Buffer.from('hello world'))).toThrow('no frame header')
  })
})
