import { describe, expect, it } from 'vitest'
import { readChecksum } from '../../../../src/runtime/build/steps/checksum.ts'

const DIGEST = `sha256:${'0a'.repeat(32)}`

describe('readChecksum()', () => {
  it('takes the digest of one address, and no digest of anything', () => {
    expect(readChecksum(DIGEST, ['https://h/file'])).toBe(DIGEST)
    expect(readChecksum(undefined, ['file', 'https://h/file'])).toBeUndefined()
  })

  it.each([
    ['sha256:00', ['https://h/file'], 'invalid checksum sha256:00'],
    ['sha256:00', ['file'], 'invalid checksum sha256:00'],
    ['', ['https://h/file'], 'invalid checksum'],
    [DIGEST.toUpperCase(), ['https://h/file'], 'invalid checksum'],
    [DIGEST, ['file'], "checksum can't be specified for non-HTTP(S) sources"],
    [DIGEST, ['https://h/a', 'https://h/b'], "checksum can't be specified for multiple sources"],
  ])('refuses %s of %j', (text, sources, message) => {
    expect(() => readChecksum(text, sources)).toThrow(expect.objectContaining({ code: 'BAD_CHECKSUM', status: 400 }))
    expect(() => readChecksum(text, sources)).toThrow(message)
  })
})
