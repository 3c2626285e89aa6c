import { expect, it } from 'vitest'
import type { BridgeNetwork, LocalNetwork } from '../../../../src/runtime/network/networks/local-network.ts'
import {
  pickGatewayEndpoint,
  planSandbox,
  type SandboxPlan,
} from '../../../../src/runtime/network/sandboxes/plan-sandbox.ts'
import type { SandboxRequest } from '../../../../src/runtime/ports.ts'

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
])('mode "%s" with endpoints %j joins %j', (mode, endpoints, joined) => {
  expect(namesOf(plan(mode, endpoints))).toEqual(joined)
})

it('knows the modes without networks of their own', () => {
  expect(plan('host')).toEqual({ kind: 'host' })
  expect(plan('container:abc')).toEqual({ kind: 'shared', owner: 'abc' })
})

it.each<[string, SandboxRequest['endpoints'], string]>([
  ['nowhere', {}, 'NO_SUCH_NETWORK'],
  ['front', { nowhere: {} }, 'NO_SUCH_NETWORK'],
  ['front', { host: {} }, 'BAD_NETWORK_MODE'],
  ['front', { front: { IPAMConfig: { IPv4Address: '10.9.0.2' } } }, 'BAD_ADDRESS'],
  ['front', { front: { IPAMConfig: { IPv4Address: '10.1.0.1' } } }, 'BAD_ADDRESS'],
  ['bridge', { bridge: { IPAMConfig: { IPv4Address: '172.17.0.9' } } }, 'NO_STATIC_ADDRESS'],
  ['front', { front: { MacAddress: 'zz' } }, 'BAD_MAC'],
])('mode "%s" with endpoints %j is refused: %s', (mode, endpoints, code) => {
  expect(() => plan(mode, endpoints)).toThrow(expect.objectContaining({ code }))
})

it('goes out through the first network that has a way out', () => {
  const planned = plan('vault', { front: {} })
  expect(planned.kind === 'private' && pickGatewayEndpoint(planned.endpoints)?.network.name).toBe('front')
})
