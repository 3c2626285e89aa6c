import { expect, it } from 'vitest'
import { parseCidr } from '../../../../src/core/cidr.ts'
import type { NetworkCreateRequest } from '../../../../src/docker-api/index.ts'
import type { BridgeNetwork } from '../../../../src/runtime/network/networks/local-network.ts'
import { planNetwork } from '../../../../src/runtime/network/networks/plan-network.ts'

const ID = 'a'.repeat(64)
const plan = (request: NetworkCreateRequest, existing: BridgeNetwork[] = []): BridgeNetwork =>
  planNetwork(request, { existing, routed: [parseCidr('172.17.0.0/16')], defaultMtu: 1500, id: ID, createdAt: 'now' })

it('fills in what was not asked for', () => {
  expect(plan({ Name: 'web' })).toEqual({
    id: ID,
    name: 'web',
    createdAt: 'now',
    driver: 'bridge',
    bridge: 'br-aaaaaaaaaaaa',
    subnet: '172.18.0.0/16',
    gateway: '172.18.0.1',
    mtu: 1500,
    internal: false,
    attachable: false,
    isDefault: false,
    options: {},
    labels: {},
  })
})

it('takes what was asked for', () => {
  const options = { 'com.docker.network.bridge.name': 'br0', 'com.docker.network.driver.mtu': '1450' }
  const IPAM = { Config: [{ Subnet: '10.9.0.0/24', Gateway: '10.9.0.254', IPRange: '10.9.0.128/25' }] }
  expect(plan({ Name: 'web', Internal: true, IPAM, Options: options })).toMatchObject({
    bridge: 'br0',
    mtu: 1450,
    subnet: '10.9.0.0/24',
    gateway: '10.9.0.254',
    range: '10.9.0.128/25',
    internal: true,
  })
})

const other = { ...plan({ Name: 'other', IPAM: { Config: [{ Subnet: '10.1.0.0/16' }] } }), bridge: 'br-other' }

it.each<[string, NetworkCreateRequest, string]>([
  ['a name in use', { Name: 'other' }, 'NETWORK_EXISTS'],
  ['a predefined name', { Name: 'host' }, 'PREDEFINED_NETWORK'],
  ['a name with a slash', { Name: 'a/b' }, 'BAD_NETWORK_NAME'],
  ['another driver', { Name: 'x', Driver: 'macvlan' }, 'UNKNOWN_DRIVER'],
  ['an overlapping subnet', { Name: 'x', IPAM: { Config: [{ Subnet: '10.1.7.0/24' }] } }, 'SUBNET_TAKEN'],
  ['a subnet too small', { Name: 'x', IPAM: { Config: [{ Subnet: '10.7.0.0/31' }] } }, 'SMALL_SUBNET'],
  [
    'a gateway elsewhere',
    { Name: 'x', IPAM: { Config: [{ Subnet: '10.7.0.0/24', Gateway: '10.8.0.1' }] } },
    'BAD_GATEWAY',
  ],
  [
    'a range elsewhere',
    { Name: 'x', IPAM: { Config: [{ Subnet: '10.7.0.0/24', IPRange: '10.8.0.0/25' }] } },
    'BAD_RANGE',
  ],
  [
    'a range too large',
    { Name: 'x', IPAM: { Config: [{ Subnet: '10.7.0.0/24', IPRange: '10.7.0.0/16' }] } },
    'BAD_RANGE',
  ],
  [
    'two subnets',
    { Name: 'x', IPAM: { Config: [{ Subnet: '10.7.0.0/24' }, { Subnet: '10.8.0.0/24' }] } },
    'MANY_SUBNETS',
  ],
  [
    'a device name too long',
    { Name: 'x', Options: { 'com.docker.network.bridge.name': 'sixteen-letters-' } },
    'BAD_DEVICE_NAME',
  ],
  ['a device in use', { Name: 'x', Options: { 'com.docker.network.bridge.name': 'br-other' } }, 'BRIDGE_TAKEN'],
  ['an MTU that is none', { Name: 'x', Options: { 'com.docker.network.driver.mtu': 'big' } }, 'BAD_MTU'],
])('refuses %s', (_what, request, code) => {
  expect(() => plan(request, [other])).toThrow(expect.objectContaining({ code }))
})
