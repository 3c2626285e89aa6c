import { describe, expect, it } from 'vitest'
import { formatNano, formatNanoSeconds, parseNano } from '../../src/core/nano-time.ts'
import { fc } from '../support/property.ts'

describe('instants in nanoseconds', () => {
  it.each([
    ['1700000000', 1_700_000_000_000_000_000n],
    ['1700000000.5', 1_700_000_000_500_000_000n],
    ['1700000000.123456789', 1_700_000_000_123_456_789n],
    ['1700000000.1234567891', 1_700_000_000_123_456_789n],
    ['-1.25', -1_250_000_000n],
    ['2023-11-14T22:13:20Z', 1_700_000_000_000_000_000n],
    ['2023-11-14T22:13:20.000000001Z', 1_700_000_000_000_000_001n],
    ['2023-11-14T23:13:20.5+01:00', 1_700_000_000_500_000_000n],
    ['2023-11-14', 1_699_920_000_000_000_000n],
  ])('are read from %s', (text, nano) => expect(parseNano(text)).toBe(nano))

  it.each(['yesterday', '', '1h', '1.2.3', '0x10', 'NaN'])('are not read from %j', text => {
    expect(parseNano(text)).toBeUndefined()
  })

  it('come back as they went, in both forms', () => {
    fc.assert(
      fc.property(fc.bigInt(-60_000_000_000_000_000_000n, 250_000_000_000_000_000_000n), nano => {
        expect(parseNano(formatNanoSeconds(nano))).toBe(nano)
        expect(parseNano(formatNano(nano))).toBe(nano)
      }),
    )
  })

  it('sort as texts as they do as instants', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 250_000_000_000_000_000_000n), fc.bigInt(0n, 250_000_000_000_000_000_000n), (a, b) => {
        expect(formatNano(a) < formatNano(b)).toBe(a < b)
      }),
    )
  })

  it('beyond the calendar are cut to it', () => {
    expect(formatNano(10n ** 24n)).toMatch(/^9999-/)
    expect(formatNano(-(10n ** 24n))).toMatch(/^0000-/)
  })
})
