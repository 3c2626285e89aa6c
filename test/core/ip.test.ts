import { describe, expect, it } from 'vitest'
import {
  formatIp,
  formatIpNet,
  ipFamily,
  ipNetContains,
  ipNetOverlaps,
  ipNetSize,
  parseIp,
  parseIpNet,
} from '../../src/core/ip.ts'
import { fc } from '../support/property.ts'

describe('addresses', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['FD00:0:0:0:1::', 'fd00::1:0:0:0'],
    ['fd00:0:0:1:0:0:0:1', 'fd00:0:0:1::1'],
    ['2001:db8::0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
    ['fe80::1:0:0:5', 'fe80::1:0:0:5'],
  ])('reads %s and writes %s', (text, usual) => {
    expect(formatIp(parseIp(text))).toBe(usual)
  })

  it.each(['', '1.2.3', '1.2.3.4.5', '1.2.3.256', 'fe80::1%eth0', '1:2', ':::', '1::2::3', 'a.b.c.d', '10.0.0.1/8'])(
    'refuses %j',
    text => {
      expect(ipFamily(text)).toBeUndefined()
      expect(() => parseIp(text)).toThrow(/Cannot read address/)
    },
  )

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), value => {
        expect(parseIp(formatIp({ family: 6, value }))).toEqual({ family: 6, value })
      }),
    )
  })
})

describe('networks', () => {
  it.each([
    ['10.1.2.3/16', '10.1.0.0/16', 65_536n],
    ['fd00::5/64', 'fd00::/64', 1n << 64n],
    ['0.0.0.0/0', '0.0.0.0/0', 1n << 32n],
    ['::1/128', '::1/128', 1n],
  ])('reads %s', (text, usual, size) => {
    expect(formatIpNet(parseIpNet(text))).toBe(usual)
    expect(ipNetSize(parseIpNet(text))).toBe(size)
  })

  it.each(['10.0.0.0', '10.0.0.0/33', 'fd00::/129', 'fd00::/x', '/8', '10.0.0.0/8/8', ''])('refuses %j', text => {
    expect(() => parseIpNet(text)).toThrow(/Cannot read subnet/)
  })

  it('tells what is inside and what overlaps, never across families', () => {
    const net = parseIpNet('10.1.0.0/16')
    expect(ipNetContains(net, parseIp('10.1.255.255'))).toBe(true)
    expect(ipNetContains(net, parseIp('10.2.0.0'))).toBe(false)
    expect(ipNetContains(parseIpNet('::/0'), parseIp('10.1.0.1'))).toBe(false)
    expect(ipNetOverlaps(net, parseIpNet('10.0.0.0/8'))).toBe(true)
    expect(ipNetOverlaps(net, parseIpNet('10.2.0.0/16'))).toBe(false)
    expect(ipNetOverlaps(parseIpNet('::/0'), net)).toBe(false)
  })
})
