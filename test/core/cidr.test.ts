import { describe, expect, it } from 'vitest'
import {
  cidrContains,
  cidrOverlaps,
  cidrSize,
  formatCidr,
  formatIpv4,
  parseCidr,
  parseIpv4,
} from '../../src/core/cidr.ts'
import { fc } from '../support/property.ts'

describe('parseCidr()', () => {
  it('clears the bits behind the prefix', () => expect(formatCidr(parseCidr('10.1.2.3/16'))).toBe('10.1.0.0/16'))
  it.each(['10.0.0.0', '10.0.0.0/33', '10.0.0/8', '10.0.0.256/8', 'a/8', '10.0.0.0/-1', ''])('refuses %j', text => {
    expect(() => parseCidr(text)).toThrow('Cannot read')
  })
})

it('addresses read back as they were written', () => {
  fc.assert(fc.property(fc.nat(0xffffffff), address => void expect(parseIpv4(formatIpv4(address))).toBe(address)))
})

it('overlap is symmetric, and means a shared address', () => {
  const cidr = fc.record({ address: fc.nat(0xffffffff), prefix: fc.integer({ min: 0, max: 32 }) })
  fc.assert(
    fc.property(cidr, cidr, (one, other) => {
      const a = parseCidr(`${formatIpv4(one.address)}/${one.prefix}`)
      const b = parseCidr(`${formatIpv4(other.address)}/${other.prefix}`)
      expect(cidrOverlaps(a, b)).toBe(cidrOverlaps(b, a))
      const small = cidrSize(a) <= cidrSize(b) ? a : b
      const large = small === a ? b : a
      expect(cidrOverlaps(a, b)).toBe(cidrContains(large, small.base))
    }),
  )
})
