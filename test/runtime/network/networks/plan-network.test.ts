import { expect, it } from 'vitest'
import { parseIpNet } from '../../../../src/core/ip.ts'
import type { IpamConfig, NetworkCreateRequest } from '../../../../src/docker-api/index.ts'
import { isJoinable, type JoinableNetwork } from '../../../../src/runtime/network/networks/local-network.ts'
import { planNetwork } from '../../../../src/runtime/network/networks/plan-network.ts'

const ID = 'a'.repeat(64)
const AROUND = { routed: [parseIpNet('172.17.0.0/16')], defaultMtu: 1500, id: ID, createdAt: 'now', seed: 'engine' }
const plan = (request: NetworkCreateRequest, existing: JoinableNetwork[] = []): JoinableNetwork => {
  const id = existing.length === 0 ? ID : String(existing.length).repeat(64)
  const planned = planNetwork(request, { ...AROUND, id, existing })
  if (isJoinable(planned)) return planned
  throw new Error('it is a configuration')
}
const withConfig = (...Config: readonly IpamConfig[]): NetworkCreateRequest => ({ Name: 'x', IPAM: { Config } })
const withOption = (name: string, value: string): NetworkCreateRequest => ({ Name: 'x', Options: { [name]: value } })

it('fills in what was not asked for', () => {
  expect(plan({ Name: 'web' })).toEqual({
    id: ID,
    name: 'web',
    createdAt: 'now',
    driver: 'bridge',
    bridge: 'shoal-aaaaaaaaa',
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

const other: JoinableNetwork = {
  ...plan({ Name: 'other', IPAM: { Config: [{ Subnet: '10.1.0.0/16' }] } }),
  driver: 'bridge',
  bridge: 'br-other',
}

it.each<[string, NetworkCreateRequest, string]>([
  ['a name in use', { Name: 'other' }, 'NETWORK_EXISTS'],
  ['a predefined name', { Name: 'host' }, 'PREDEFINED_NETWORK'],
  ['a name with a slash', { Name: 'a/b' }, 'BAD_NETWORK_NAME'],
  ['a name with a line break', { Name: 'a\nb' }, 'BAD_NETWORK_NAME'],
  ['a name that is a path', { Name: '..' }, 'BAD_NETWORK_NAME'],
  ['an endless name', { Name: 'a'.repeat(300) }, 'BAD_NETWORK_NAME'],
  ['the name of the unsaid network', { Name: 'default' }, 'PREDEFINED_NETWORK'],
  ['another driver', { Name: 'x', Driver: 'weave' }, 'UNKNOWN_DRIVER'],
  ['a second host network', { Name: 'x', Driver: 'host' }, 'ONE_INSTANCE'],
  ['an overlay', { Name: 'x', Driver: 'overlay' }, 'NOT_A_SWARM'],
  ['another address manager', { Name: 'x', IPAM: { Driver: 'dhcp' } }, 'UNKNOWN_DRIVER'],
  ['an ingress', { Name: 'x', Ingress: true }, 'NOT_A_SWARM'],
  ['the scope of a swarm', { Name: 'x', Scope: 'swarm' }, 'NOT_A_SWARM'],
  ['a configuration that is not there', { Name: 'x', ConfigFrom: { Network: 'y' } }, 'NO_SUCH_NETWORK'],
  ['a network without IPv4', { Name: 'x', EnableIPv4: false }, 'NO_IPV4'],
  ['a subnet that is none', withConfig({ Subnet: 'foo' }), 'BAD_SUBNET'],
  ['a gateway without a subnet', withConfig({ Gateway: '10.6.0.1' }), 'BAD_SUBNET'],
  ['a gateway that is none', withConfig({ Subnet: '10.7.0.0/24', Gateway: 'foo' }), 'BAD_GATEWAY'],
  ['a range that is none', withConfig({ Subnet: '10.7.0.0/24', IPRange: 'foo' }), 'BAD_RANGE'],
  ['a range of the other family', withConfig({ Subnet: '10.7.0.0/24', IPRange: 'fd00::/64' }), 'BAD_RANGE'],
  ['loopback as a subnet', withConfig({ Subnet: '127.5.0.0/24' }), 'BAD_SUBNET'],
  ['everything as a subnet', withConfig({ Subnet: '0.0.0.0/0' }), 'BAD_SUBNET'],
  ['multicast as a subnet', withConfig({ Subnet: '224.0.0.0/24' }), 'BAD_SUBNET'],
  [
    'an auxiliary address elsewhere',
    withConfig({ Subnet: '10.7.0.0/24', AuxiliaryAddresses: { a: '10.8.0.1' } }),
    'BAD_AUXILIARY',
  ],
  [
    'an auxiliary address that is none',
    withConfig({ Subnet: '10.7.0.0/24', AuxiliaryAddresses: { a: 'foo' } }),
    'BAD_AUXILIARY',
  ],
  [
    'an auxiliary address that is the gateway',
    withConfig({ Subnet: '10.7.0.0/24', Gateway: '10.7.0.1', AuxiliaryAddresses: { a: '10.7.0.1' } }),
    'BAD_GATEWAY',
  ],
  ['isolation that is no flag', withOption('com.docker.network.bridge.enable_icc', 'maybe'), 'BAD_OPTION'],
  ['masquerading that is no flag', withOption('com.docker.network.bridge.enable_ip_masquerade', ''), 'BAD_OPTION'],
  ['a host address that is none', withOption('com.docker.network.bridge.host_binding_ipv4', 'foo'), 'BAD_OPTION'],
  ['a prefix of devices with a slash', withOption('com.docker.network.container_iface_prefix', '../x'), 'BAD_OPTION'],
  ['another gateway mode', withOption('com.docker.network.bridge.gateway_mode_ipv4', 'routed'), 'BAD_OPTION'],
  ['a device name with a slash', withOption('com.docker.network.bridge.name', 'a/b'), 'BAD_DEVICE_NAME'],
  ['a device name that is a folder', withOption('com.docker.network.bridge.name', '..'), 'BAD_DEVICE_NAME'],
  ['an MTU below nothing', withOption('com.docker.network.driver.mtu', '-5'), 'BAD_MTU'],
  ['an MTU too small', withOption('com.docker.network.driver.mtu', '5'), 'BAD_MTU'],
  ['macvlan on nothing', { Name: 'x', Driver: 'macvlan' }, 'NO_PARENT'],
  ['macvlan on loopback', { Name: 'x', Driver: 'macvlan', Options: { parent: 'lo' } }, 'BAD_PARENT'],
  ['macvlan on a path', { Name: 'x', Driver: 'macvlan', Options: { parent: '../x' } }, 'BAD_DEVICE_NAME'],
  [
    'an unknown mode of macvlan',
    { Name: 'x', Driver: 'macvlan', Options: { parent: 'eth0', macvlan_mode: 'foo' } },
    'BAD_OPTION',
  ],
  ['ipvlan', { Name: 'x', Driver: 'ipvlan', Options: { parent: 'eth0' } }, 'UNKNOWN_DRIVER'],
])('refuses %s', (_what, request, code) => {
  expect(() => plan(request, [other])).toThrow(expect.objectContaining({ code }))
})

it('says what is wrong with a subnet as docker does', () => {
  expect(() => plan(withConfig({ Subnet: '10.1.7.0/24' }), [other])).toThrow(
    /^Pool overlaps with other one on this address space$/,
  )
  expect(() => plan(withConfig({ Subnet: '10.7.0.0/24', Gateway: '10.8.0.1' }))).toThrow(
    'failed to allocate gateway (10.8.0.1): Requested address is out of range',
  )
  expect(() => plan(withConfig({ Subnet: '10.7.0.0/24', AuxiliaryAddresses: { a: '10.8.0.1' } }))).toThrow(
    'auxiliary address: (a:10.8.0.1) must belong to the master pool: 10.7.0.0/24',
  )
})

it('gives IPv6 only where it is asked for, from the engine’s own addresses if no subnet is', () => {
  const both = [{ Subnet: '10.7.0.0/24' }, { Subnet: 'FD00:7::/64', Gateway: 'fd00:7:0::99' }]
  expect(plan(withConfig(...both)).ipv6).toBeUndefined()
  const dual = plan({ Name: 'x', EnableIPv6: true, IPAM: { Config: both } })
  expect(dual.ipv6).toEqual({ subnet: 'fd00:7::/64', gateway: 'fd00:7::99' })
  const own = plan({ Name: 'y', EnableIPv6: true }, [dual])
  expect(own.ipv6?.subnet).toMatch(/^fd[0-9a-f]{2}:[0-9a-f:]+::\/64$/)
  expect(own.ipv6?.gateway).toBe(own.ipv6?.subnet.replace('::/64', '::1'))
  const next = plan({ Name: 'z', EnableIPv6: true }, [dual, own])
  expect(next.ipv6?.subnet).not.toBe(own.ipv6?.subnet)
  expect(() => plan({ Name: 'w', EnableIPv6: true, IPAM: { Config: both } }, [dual])).toThrow(/Pool overlaps/)
})

it('keeps the gateway away from addresses of others', () => {
  expect(plan(withConfig({ Subnet: '10.7.0.0/24', AuxiliaryAddresses: { router: '10.7.0.1' } }))).toMatchObject({
    gateway: '10.7.0.2',
    auxiliary: { router: '10.7.0.1' },
  })
})

it('stands macvlan networks on a device', () => {
  const planned = plan({ Name: 'lan', Driver: 'macvlan', Options: { parent: 'eth0' } })
  expect(planned).toMatchObject({ driver: 'macvlan', parent: 'eth0', mode: 'bridge' })
})
