import { expect, it } from 'vitest'
import type { EndpointRecord, NetworkRecord } from '../../../src/core/model/node.ts'
import type { PortSpec } from '../../../src/core/model/service.ts'
import type { ServiceRecord } from '../../../src/core/model/task.ts'
import { clusterNames, type EndpointView } from '../../../src/node-agent/overlay/endpoint-view.ts'
import { planIngress, renderIngress } from '../../../src/node-agent/overlay/ingress-rules.ts'
import { diffNeighbours, planNeighbours } from '../../../src/node-agent/overlay/plan-neighbours.ts'

const endpoint = (node: string, last: number, changes: Partial<EndpointRecord> = {}): EndpointRecord => ({
  network: 'shop_default',
  address: `10.2.0.${last}`,
  mac: `02:42:0a:02:00:${last.toString(16).padStart(2, '0')}`,
  node,
  hostAddress: `192.0.2.${node.slice(1)}`,
  kind: 'task',
  names: ['web', `shop-web-${last}`],
  taskId: `t${last}`,
  serviceId: 'shop.web',
  healthy: true,
  ...changes,
})
const view = (
  endpoints: readonly EndpointRecord[],
  suspected: readonly string[] = [],
  untended: readonly string[] = [],
): EndpointView => ({
  on: network => endpoints.filter(record => record.network === network),
  suspected: () => new Set(suspected),
  isTended: host => !untended.includes(host),
})
const gateway = (node: string, last: number) => endpoint(node, last, { kind: 'gateway', names: [], healthy: false })

it('tells the kernel of stations on other hosts, never of its own', () => {
  const endpoints = [gateway('n1', 101), endpoint('n1', 5), gateway('n2', 102), endpoint('n2', 6)]
  const planned = [...planNeighbours({ endpoints, node: 'n1', bridgeIndex: 7, vxlanIndex: 8 }).values()]
  expect(planned).toEqual([
    { kind: 'vxlan', linkIndex: 8, mac: '00:00:00:00:00:00', remote: '192.0.2.2' },
    { kind: 'vxlan', linkIndex: 8, mac: '02:42:0a:02:00:66', remote: '192.0.2.2' },
    { kind: 'bridge', linkIndex: 8, mac: '02:42:0a:02:00:66' },
    { kind: 'arp', linkIndex: 7, address: '10.2.0.102', mac: '02:42:0a:02:00:66' },
    { kind: 'vxlan', linkIndex: 8, mac: '02:42:0a:02:00:06', remote: '192.0.2.2' },
    { kind: 'bridge', linkIndex: 8, mac: '02:42:0a:02:00:06' },
    { kind: 'arp', linkIndex: 7, address: '10.2.0.6', mac: '02:42:0a:02:00:06' },
  ])
})

it('changes only what differs: an address that moves to another host is replaced', () => {
  const on = (endpoints: EndpointRecord[]) => planNeighbours({ endpoints, node: 'n1', bridgeIndex: 7, vxlanIndex: 8 })
  const moved = diffNeighbours(on([endpoint('n2', 6)]), on([endpoint('n3', 6)]))
  expect(moved).toEqual({
    remove: [],
    add: [{ kind: 'vxlan', linkIndex: 8, mac: '02:42:0a:02:00:06', remote: '192.0.2.3' }],
  })
  const home = diffNeighbours(on([endpoint('n2', 6)]), on([endpoint('n1', 6)]))
  expect([home.remove.length, home.add.length]).toEqual([3, 0])
  const gone = diffNeighbours(on([gateway('n2', 9), gateway('n3', 10)]), on([gateway('n3', 10)]))
  expect(gone.remove.map(({ kind }) => kind)).toEqual(['vxlan', 'vxlan', 'bridge', 'arp'])
})

it('resolves a service to its healthy replicas on hosts that live, and a container to itself', () => {
  const endpoints = [
    endpoint('n1', 5),
    endpoint('n2', 6),
    endpoint('n2', 7, { healthy: false }),
    endpoint('n3', 8),
    gateway('n1', 9),
  ]
  const names = clusterNames(view(endpoints, ['192.0.2.3']))
  expect(names.lookup('shop_default', 'web')).toEqual(['10.2.0.5', '10.2.0.6'])
  expect(names.lookup('shop_default', 'shop-web-6')).toEqual(['10.2.0.6'])
  expect(names.lookup('shop_default', 'shop-web-7')).toEqual([])
  expect(names.lookup('shop_default', 'shop-web-8')).toEqual([])
  expect(names.lookup('shop_default', 'db')).toBeUndefined()
  expect(names.lookup('other', 'web')).toBeUndefined()
  const all = names.all('shop_default')
  for (const [name, addresses] of all) expect(names.lookup('shop_default', name)).toEqual(addresses)
  expect([...all.keys()].sort()).toEqual(['shop-web-5', 'shop-web-6', 'shop-web-7', 'shop-web-8', 'web'])
})

it('asks a replica whose agent is gone for good only while no other is well, and none that is silent', () => {
  const lone = [endpoint('n2', 6), endpoint('n3', 8, { healthy: false })]
  const web = (endpoints: readonly EndpointRecord[], ...hosts: (readonly string[])[]): readonly string[] | undefined =>
    clusterNames(view(endpoints, ...hosts)).lookup('shop_default', 'web')
  expect(web(lone, [], ['192.0.2.2'])).toEqual(['10.2.0.6'])
  expect(web([...lone, endpoint('n3', 9)], [], ['192.0.2.2'])).toEqual(['10.2.0.9'])
  expect(web([...lone, endpoint('n3', 9)], [], ['192.0.2.2', '192.0.2.3'])).toEqual(['10.2.0.6', '10.2.0.9'])
  expect(web(lone, ['192.0.2.2'], ['192.0.2.2'])).toEqual([])
  const published = service('web', ['shop_default'], [port(8080)])
  const targets = (endpoints: readonly EndpointRecord[]): readonly string[] | undefined =>
    planIngress([published], network, view(endpoints, [], ['192.0.2.2']))[0]?.targets
  expect(targets(lone)).toEqual(['10.2.0.6 . 80'])
  expect(targets([...lone, endpoint('n3', 9)])).toEqual(['10.2.0.9 . 80'])
})

const network = (name: string, internal = false): NetworkRecord => ({
  name,
  project: 'shop',
  vni: 1,
  subnet: '10.2.0.0/24',
  internal,
  labels: {},
})
const service = (name: string, networks: string[], ports: PortSpec[], createdAtMs = 1): ServiceRecord => ({
  id: `shop.${name}`,
  project: 'shop',
  specHash: '',
  createdAtMs,
  updatedAtMs: 1,
  spec: {
    name,
    replicas: 1,
    container: { image: 'x' },
    limits: {},
    reservations: {},
    constraints: [],
    networks: networks.map(name => ({ network: name, aliases: [] })),
    ports,
    restart: { condition: 'any' },
    dependsOn: [],
  },
})
const port = (published: number, changes: Partial<PortSpec> = {}): PortSpec => ({
  target: 80,
  published,
  protocol: 'tcp',
  mode: 'ingress',
  ...changes,
})
const networkOf = (name: string) =>
  [network('vault', true), network('shop_default')].find(record => record.name === name)

it('answers ingress ports with healthy replicas on the first network that is open', () => {
  const services = [service('web', ['vault', 'shop_default'], [port(8080), port(9000, { mode: 'host' })])]
  const endpoints = [
    endpoint('n2', 6),
    endpoint('n1', 5),
    endpoint('n1', 7, { healthy: false }),
    endpoint('n1', 9, { network: 'vault' }),
  ]
  expect(planIngress(services, networkOf, view(endpoints))).toEqual([
    { protocol: 'tcp', published: 8080, targets: ['10.2.0.5 . 80', '10.2.0.6 . 80'] },
  ])
  expect(planIngress(services, networkOf, view(endpoints, ['192.0.2.1']))[0]?.targets).toEqual(['10.2.0.6 . 80'])
})

it('gives a port that two services ask for to the older, and none to a service without an open network', () => {
  const services = [
    service('new', ['shop_default'], [port(80)], 2),
    service('web', ['shop_default'], [port(80)], 1),
    service('in', ['vault'], [port(81)]),
  ]
  const planned = planIngress(
    services,
    networkOf,
    view([endpoint('n1', 5), endpoint('n1', 6, { serviceId: 'shop.new' })]),
  )
  expect(planned).toEqual([{ protocol: 'tcp', published: 80, targets: ['10.2.0.5 . 80'] }])
})

it('renders one rule a port, and none for a port nobody can answer', () => {
  const ports = [
    { protocol: 'tcp' as const, published: 8080, targets: ['10.2.0.5 . 80', '10.2.0.6 . 80'] },
    { protocol: 'udp' as const, published: 53, targets: [] },
  ]
  const text = renderIngress({ table: 'x', ports, bridges: ['shb1'], local: ['10.2.0.5'] })
  expect(text).toContain('tcp dport 8080 dnat ip to numgen random mod 2 map { 0 : 10.2.0.5 . 80, 1 : 10.2.0.6 . 80 }')
  expect(text).not.toContain('udp dport')
  expect(text).toContain('elements = { "shb1" };')
  expect(renderIngress({ table: 'x', ports: [], bridges: [], local: [] })).not.toContain('elements')
})
