import { parseCidr } from '../../../core/cidr.ts'
import type { Clock } from '../../../core/clock.ts'
import { conflict, notFound, ShoalError } from '../../../core/errors.ts'
import { KeyedLock } from '../../../core/keyed-lock.ts'
import { newHexId, type Random } from '../../../core/random.ts'
import type { Filters, NetworkCreateRequest, NetworkInspect, NetworkOperations } from '../../../docker-api/index.ts'
import { deleteLink } from '../../linux/netlink-links.ts'
import { listRoutedNetworks } from '../../linux/netlink-routes.ts'
import type { NetlinkSocket } from '../../linux/netlink-socket.ts'
import type { DnsServer } from '../dns/dns-server.ts'
import type { Firewall } from '../firewall/firewall.ts'
import { ensureBridge } from '../sandboxes/devices.ts'
import type { SandboxTable } from '../sandboxes/sandbox-table.ts'
import type { Sandboxes } from '../sandboxes/sandboxes.ts'
import { type BridgeNetwork, isPredefined, type LocalNetwork } from './local-network.ts'
import type { NetworkTable } from './network-table.ts'
import { planNetwork } from './plan-network.ts'

export interface NetworkOperationsPorts {
  readonly netlink: NetlinkSocket
  readonly networks: NetworkTable
  readonly table: SandboxTable
  readonly sandboxes: Sandboxes
  readonly firewall: Firewall
  readonly dns: DnsServer
  readonly clock: Clock
  readonly random: Random
  readonly defaultMtu: number
}

/** One change of the set of networks at a time. */
const LOCK = 'networks'

/** The engine's networks, before containers that do not run and events are added. */
export interface LocalNetworks extends Omit<NetworkOperations, 'prune'> {
  /** Resolves with what was removed. */
  readonly prune: (options: { readonly filters?: Filters }) => Promise<readonly NetworkInspect[]>
}

/** Networks as the Docker Engine API has them. */
export function networkOperations(ports: NetworkOperationsPorts): LocalNetworks {
  const { networks, table, sandboxes } = ports
  const lock = new KeyedLock()
  const inspect = (network: LocalNetwork): NetworkInspect => networkInspect(network, table)
  const need = (reference: string): LocalNetwork => {
    const network = networks.find(reference)
    if (network === undefined) throw notFound('NO_SUCH_NETWORK', `network ${reference} not found`)
    return network
  }
  const needBridge = (reference: string): BridgeNetwork => {
    const network = need(reference)
    if (network.driver === 'bridge') return network
    throw new ShoalError('NOT_A_BRIDGE', 403, `containers cannot be connected to or disconnected from ${network.name}`)
  }
  const needContainer = (reference: string): string => {
    const found = table.find(reference)
    if (found !== undefined) return found.containerId
    throw conflict('CONTAINER_NOT_RUNNING', `Container ${reference} is not running: start it first`)
  }
  return {
    create: request => lock.run(LOCK, () => createNetwork(request, ports)),
    list: ({ filters = {} }) =>
      Promise.resolve(
        networks
          .all()
          .filter(network => matches(network, filters))
          .map(inspect),
      ),
    inspect: async reference => inspect(need(reference)),
    remove: reference => lock.run(LOCK, () => removeNetwork(need(reference), ports)),
    prune: ({ filters = {} }) =>
      lock.run(LOCK, async () => {
        const unused = networks
          .bridges()
          .filter(network => !isPredefined(network.name) && matches(network, filters))
          .filter(network => table.membersOf(network.id).length === 0)
        const removed = unused.map(inspect)
        for (const network of unused) await undoNetwork(network, ports)
        return removed
      }),
    connect: async (reference, container, config) =>
      sandboxes.connect(needContainer(container), needBridge(reference), config),
    disconnect: async (reference, container) => sandboxes.disconnect(needContainer(container), needBridge(reference)),
  }
}

async function createNetwork(
  request: NetworkCreateRequest,
  ports: NetworkOperationsPorts,
): Promise<{ Id: string; Warning: string }> {
  const { netlink, networks, firewall, dns, clock, random, defaultMtu } = ports
  const network = planNetwork(request, {
    existing: networks.all(),
    routed: listRoutedNetworks(netlink).map(parseCidr),
    defaultMtu,
    id: newHexId(random),
    createdAt: new Date(clock.nowMs()).toISOString(),
  })
  await networks.put(network)
  try {
    ensureBridge(netlink, network)
    firewall.setNetwork(network)
    await firewall.apply()
    await dns.listen(network.id, network.gateway)
  } catch (error) {
    await undoNetwork(network, ports)
    throw error
  }
  return { Id: network.id, Warning: '' }
}

async function removeNetwork(network: LocalNetwork, ports: NetworkOperationsPorts): Promise<void> {
  if (isPredefined(network.name) || network.driver !== 'bridge') {
    throw new ShoalError('PREDEFINED_NETWORK', 403, `${network.name} is a pre-defined network and cannot be removed`)
  }
  const [user] = ports.table.membersOf(network.id)
  if (user !== undefined) {
    throw new ShoalError(
      'NETWORK_IN_USE',
      403,
      `error while removing network: network ${network.name} id ${network.id} has active endpoints: stop ${user.record.request.containerName} first`,
    )
  }
  await undoNetwork(network, ports)
}

async function undoNetwork(network: BridgeNetwork, ports: NetworkOperationsPorts): Promise<void> {
  const { netlink, networks, firewall, dns } = ports
  dns.stop(network.id)
  deleteLink(netlink, network.bridge)
  firewall.removeNetwork(network.id)
  await networks.remove(network.id)
  await firewall.apply()
}

/** Docker's filters of `network ls`; of one key any value, of several keys all. */
function matches(network: LocalNetwork, filters: Filters): boolean {
  const labels = network.driver === 'bridge' ? network.labels : {}
  const tests: Readonly<Record<string, (value: string) => boolean>> = {
    name: value => network.name.includes(value),
    id: value => network.id.startsWith(value),
    driver: value => network.driver === value,
    type: value => (value === 'builtin') === isPredefined(network.name),
    scope: value => value === 'local',
    label: value => {
      const [key = '', ...rest] = value.split('=')
      return key in labels && (rest.length === 0 || labels[key] === rest.join('='))
    },
  }
  return Object.entries(filters).every(([key, values]) => {
    const test = tests[key]
    if (values.length === 0 || test === undefined) return true
    return key === 'label' ? values.every(test) : values.some(test)
  })
}

function networkInspect(network: LocalNetwork, table: SandboxTable): NetworkInspect {
  const common = {
    Name: network.name,
    Id: network.id,
    Created: network.createdAt,
    Scope: 'local',
    EnableIPv6: false,
    Ingress: false,
  }
  if (network.driver !== 'bridge') {
    return {
      ...common,
      Driver: network.driver,
      IPAM: { Driver: 'default', Config: [] },
      Internal: false,
      Attachable: false,
      Containers: {},
      Options: {},
      Labels: {},
    }
  }
  const prefix = parseCidr(network.subnet).prefix
  const members = table.membersOf(network.id).map(({ record, endpoint }) => [
    record.containerId,
    {
      Name: record.request.containerName,
      EndpointID: endpoint.endpointId,
      MacAddress: endpoint.mac,
      IPv4Address: `${endpoint.address}/${prefix}`,
    },
  ])
  return {
    ...common,
    Driver: 'bridge',
    IPAM: { Driver: 'default', Config: [{ Subnet: network.subnet, Gateway: network.gateway }] },
    Internal: network.internal,
    Attachable: network.attachable,
    Containers: Object.fromEntries(members),
    Options: network.options,
    Labels: network.labels,
  }
}
