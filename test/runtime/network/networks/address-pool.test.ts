import { expect, it } from 'vitest'
import { formatIpv4 } from '../../../../src/core/cidr.ts'
import { ipNetContains, ipNetOverlaps, parseIp, parseIpNet } from '../../../../src/core/ip.ts'
import {
  chooseSubnet,
  chooseSubnet6,
  macOf,
  nextAddress,
  refuseAddress,
} from '../../../../src/runtime/network/networks/address-pool.ts'
import { fc } from '../../../support/property.ts'

const SPACE = { subnet: '10.1.0.0/29', gateway: '10.1.0.1' }

it('chooses docker’s subnets in docker’s order', () => {
  expect(chooseSubnet([])).toBe('172.17.0.0/16')
  expect(chooseSubnet([parseIpNet('172.17.5.0/24'), parseIpNet('172.18.0.0/15')])).toBe('172.20.0.0/16')
  expect(chooseSubnet([parseIpNet('172.16.0.0/12')])).toBe('192.168.0.0/20')
  expect(() => chooseSubnet([parseIpNet('172.16.0.0/12'), parseIpNet('192.168.0.0/16')])).toThrow(
    /give the network a subnet/,
  )
})

it('chooses out of the pools that are given, in their order', () => {
  const pools = [
    { base: '10.10.0.0/23', size: 24 },
    { base: '10.20.0.0/16', size: 20 },
  ]
  expect(chooseSubnet([], pools)).toBe('10.10.0.0/24')
  expect(chooseSubnet([parseIpNet('10.10.0.0/24')], pools)).toBe('10.10.1.0/24')
  expect(chooseSubnet([parseIpNet('10.10.0.128/25'), parseIpNet('10.10.1.0/30')], pools)).toBe('10.20.0.0/20')
  expect(chooseSubnet([parseIpNet('10.10.0.0/16'), parseIpNet('10.20.0.0/18')], pools)).toBe('10.20.64.0/20')
  expect(() => chooseSubnet([parseIpNet('10.0.0.0/8')], pools)).toThrow('Every default subnet is in use')
})

it('never chooses a subnet that overlaps one in use', () => {
  const taken = fc.array(
    fc
      .tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 12, max: 32 }))
      .map(([address, prefix]) => parseIpNet(`${formatIpv4(address)}/${prefix}`)),
  )
  fc.assert(
    fc.property(taken, list => {
      const chosen = parseIpNet(chooseSubnet(list))
      return !list.some(other => ipNetOverlaps(chosen, other))
    }),
  )
})

it('hands out addresses in turn, past the gateway, the first and the last', () => {
  const taken = new Set<string>()
  let previous: string | undefined
  const given: string[] = []
  for (let next = nextAddress(SPACE, taken); next !== undefined; next = nextAddress(SPACE, taken, previous)) {
    given.push(next)
    taken.add(next)
    previous = next
  }
  expect(given).toEqual(['10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5', '10.1.0.6'])
})

it('does not reuse an address at once, but does when nothing else is left', () => {
  expect(nextAddress(SPACE, new Set(), '10.1.0.2')).toBe('10.1.0.3')
  expect(nextAddress(SPACE, new Set(['10.1.0.3', '10.1.0.4', '10.1.0.5', '10.1.0.6']), '10.1.0.6')).toBe('10.1.0.2')
})

it('stays within the range asked for', () => {
  const space = { ...SPACE, subnet: '10.1.0.0/16', range: '10.1.200.0/30' }
  expect(nextAddress(space, new Set(), '10.1.0.9')).toBe('10.1.200.0')
  expect(nextAddress(space, new Set(['10.1.200.0', '10.1.200.1', '10.1.200.2', '10.1.200.3']))).toBeUndefined()
})

it('gives a free usable address whenever there is one', () => {
  const usable = Array.from({ length: 13 }, (_, index) => `10.1.0.${index + 2}`)
  fc.assert(
    fc.property(fc.subarray(usable), fc.option(fc.constantFrom(...usable), { nil: undefined }), (taken, previous) => {
      const space = { subnet: '10.1.0.0/28', gateway: '10.1.0.1' }
      const chosen = nextAddress(space, new Set(taken), previous)
      if (taken.length === usable.length) return chosen === undefined
      return (
        chosen !== undefined &&
        usable.includes(chosen) &&
        !taken.includes(chosen) &&
        ipNetContains(parseIpNet(space.subnet), parseIp(chosen))
      )
    }),
  )
})

it('says why an address cannot be had', () => {
  expect(refuseAddress(SPACE, '10.1.0.3')).toBeUndefined()
  expect(refuseAddress(SPACE, '10.2.0.3')).toContain('not in the subnet')
  expect(refuseAddress(SPACE, '10.1.0.1')).toContain('gateway')
  expect(refuseAddress(SPACE, '10.1.0.7')).toContain('last')
  expect(() => refuseAddress(SPACE, 'ten')).toThrow(/Cannot read address/)
})

it('makes docker’s MAC addresses', () => {
  expect(macOf('172.17.0.2')).toBe('02:42:ac:11:00:02')
})

it('keeps IPv6 networks of one engine together and those of others apart', () => {
  const first = chooseSubnet6([], 'one')
  const second = chooseSubnet6([parseIpNet(first)], 'one')
  expect(second.split(':').slice(0, 3)).toEqual(first.split(':').slice(0, 3))
  expect(second).not.toBe(first)
  expect(chooseSubnet6([], 'two')).not.toBe(first)
})

it('hands out IPv6 addresses, and none that others have', () => {
  const space = { subnet: 'fd00::/64', gateway: 'fd00::1', auxiliary: { a: 'fd00::3' } }
  expect(nextAddress(space, new Set())).toBe('fd00::2')
  expect(nextAddress(space, new Set(['fd00::2']))).toBe('fd00::4')
  expect(refuseAddress(space, 'FD00:0::3')).toContain('auxiliary')
  expect(refuseAddress(space, 'fd00::ffff:ffff:ffff:ffff')).toBeUndefined()
})
