import { expect, it } from 'vitest'
import type { BridgeNetwork, LocalNetwork } from '../../../../src/runtime/network/networks/local-network.ts'
import { planSandbox, type SandboxPlan } from '../../../../src/runtime/network/sandboxes/plan-sandbox.ts'
import { NO_NETWORKS, type SandboxRequest } from '../../../../src/runtime/ports.ts'

const bridge = (name: string, subnet: string, changes: Partial<BridgeNetwork> = {}): BridgeNetwork => ({
  id: `${name}-id`,
  name,
  createdAt: 'now',
  driver: 'bridge',
  bridge: `br-${name}`,
  subnet,
  gateway: subnet.replace('0/24', '1'),
  mtu: 1500,
  internal: false,
  attachable: false,
  isDefault: false,
  options: {},
  labels: {},
  ...changes,
})
const NETWORKS: LocalNetwork[] = [
  bridge('bridge', '172.17.0.0/24', { isDefault: true }),
  bridge('front', '10.1.0.0/24'),
  bridge('vault', '10.2.0.0/24', { internal: true }),
  bridge('dual', '10.3.0.0/24', { ipv6: { subnet: 'fd00:3::/64', gateway: 'fd00:3::1' } }),
  { id: 'host-id', name: 'host', createdAt: 'now', driver: 'host' },
]
const find = (reference: string) => NETWORKS.find(({ id, name }) => id === reference || name === reference)

function plan(networkMode: string, endpoints: SandboxRequest['endpoints'] = {}): SandboxPlan {
  const nothing = { portBindings: {}, publishAllPorts: false, exposedPorts: [], dns: [], dnsSearch: [], dnsOptions: [] }
  const names = { containerId: 'c', containerName: 'c', hostname: 'c', domainname: '' }
  return planSandbox({ ...nothing, ...names, extraHosts: [], sysctls: {}, networkMode, endpoints }, find)
}
const namesOf = (planned: SandboxPlan): string[] =>
  planned.kind === 'private' ? planned.endpoints.map(({ network }) => network.name) : []

it.each<[string, SandboxRequest['endpoints'], string[]]>([
  ['default', {}, ['bridge']],
  ['', {}, ['bridge']],
  ['bridge', {}, ['bridge']],
  ['none', {}, []],
  ['front', {}, ['front']],
  ['front-id', { front: {} }, ['front']],
  ['front', { vault: {}, front: {} }, ['front', 'vault']],
  ['default', { vault: {}, front: {} }, ['vault', 'front']],
  ['bridge', { front: {} }, ['bridge', 'front']],
  [NO_NETWORKS, { vault: {} }, ['vault']],
  [NO_NETWORKS, {}, []],
])('mode "%s" with endpoints %j joins %j', (mode, endpoints, joined) => {
  expect(namesOf(plan(mode, endpoints))).toEqual(joined)
})

it('knows the modes without networks of their own', () => {
  expect(plan('host')).toMatchObject({ kind: 'host', plain: { name: 'host' } })
  expect(plan('container:abc')).toEqual({ kind: 'shared', owner: 'abc' })
})

it.each<[string, SandboxRequest['endpoints'], string]>([
  ['nowhere', {}, 'NO_SUCH_NETWORK'],
  ['front', { nowhere: {} }, 'NO_SUCH_NETWORK'],
  ['front', { host: {} }, 'BAD_NETWORK_MODE'],
  ['front', { front: { IPAMConfig: { IPv4Address: '10.9.0.2' } } }, 'BAD_ADDRESS'],
  ['front', { front: { IPAMConfig: { IPv4Address: '10.1.0.1' } } }, 'BAD_ADDRESS'],
  ['bridge', { bridge: { IPAMConfig: { IPv4Address: '172.17.0.9' } } }, 'NO_STATIC_ADDRESS'],
  ['bridge', { bridge: { Aliases: ['web'] } }, 'NO_ALIASES'],
  ['front', { front: { MacAddress: 'zz' } }, 'BAD_MAC'],
  ['front', { front: { MacAddress: '01:00:5e:00:00:01' } }, 'BAD_MAC'],
  ['front', { front: { MacAddress: '00:00:00:00:00:00' } }, 'BAD_MAC'],
  ['front', { front: { IPAMConfig: { IPv4Address: 'fd00::1' } } }, 'BAD_ADDRESS'],
  ['front', { front: { IPAMConfig: { IPv6Address: 'fd00:3::5' } } }, 'BAD_ADDRESS'],
  ['dual', { dual: { IPAMConfig: { IPv6Address: 'fd00:4::5' } } }, 'BAD_ADDRESS'],
  ['dual', { dual: { IPAMConfig: { IPv6Address: '10.3.0.5' } } }, 'BAD_ADDRESS'],
  ['front', { front: { IPAMConfig: { LinkLocalIPs: ['10.0.0.1'] } } }, 'BAD_ADDRESS'],
  [
    'front',
    { front: { DriverOpts: { 'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.../../../x=1' } } },
    'BAD_SYSCTL',
  ],
])('mode "%s" with endpoints %j is refused: %s', (mode, endpoints, code) => {
  expect(() => plan(mode, endpoints)).toThrow(expect.objectContaining({ code }))
})

it('gives the address of older clients to the first network alone', () => {
  const nothing = { portBindings: {}, publishAllPorts: false, exposedPorts: [], dns: [], dnsSearch: [], dnsOptions: [] }
  const names = { containerId: 'c', containerName: 'c', hostname: 'c', domainname: '', extraHosts: [], sysctls: {} }
  const asked = {
    ...nothing,
    ...names,
    networkMode: 'front',
    endpoints: { vault: {} },
    macAddress: '02:42:00:00:00:05',
  }
  const planned = planSandbox(asked, find)
  const macs = planned.kind === 'private' ? planned.endpoints.map(({ config }) => config.MacAddress) : []
  expect(macs).toEqual(['02:42:00:00:00:05', undefined])
})
