import type { Clock } from '../../../core/clock.ts'
import { ShoalError } from '../../../core/errors.ts'
import { parseIpNet } from '../../../core/ip.ts'
import { KeyedLock } from '../../../core/keyed-lock.ts'
import { newHexId, type Random } from '../../../core/random.ts'
import type { Filters, NetworkCreateRequest, NetworkInspect, NetworkOperations } from '../../../docker-api/index.ts'
import { findLink } from '../../linux/net/netlink-links.ts'
import { listRoutedNetworks } from '../../linux/net/netlink-routes.ts'
import type { NetlinkSocket } from '../../linux/net/netlink-socket.ts'
import type { Firewall } from '../firewall/firewall.ts'
import { ensureBridge, removeBridge } from '../sandboxes/bridge-device.ts'
import type { BridgeOwner } from '../sandboxes/bridge-owner.ts'
import { ensureParent, isOwnParent, removeParent } from '../sandboxes/parent-device.ts'
import type { SandboxTable } from '../sandboxes/sandbox-table.ts'
import type { Sandboxes } from '../sandboxes/sandboxes.ts'
import type { AddressPool } from './address-pool.ts'
import { checkConfigUnused } from './config-network.ts'
import { isJoinable, isPredefined, type JoinableNetwork, type LocalNetwork } from './local-network.ts'
import { listFilter, pruneFilter } from './network-filters.ts'
import { networkInspect } from './network-inspect.ts'
import type { NetworkTable } from './network-table.ts'
import { planNetwork } from './plan-network.ts'

export interface NetworkOperationsPorts {
  readonly netlink: NetlinkSocket
  readonly networks: NetworkTable
  readonly table: SandboxTable
  readonly sandboxes: Sandboxes
  readonly firewall: Firewall
  readonly clock: Clock
  readonly random: Random
  readonly defaultMtu: number
  /** Tells this engine's own IPv6 subnets from others'. */
  readonly seed: string
  readonly addressPools?: readonly AddressPool[]
  /** This engine, to others that share its host. */
  readonly owner: BridgeOwner
}

/** One change of the set of networks at a time. */
const LOCK = 'networks'

/** The engine's networks, before containers that do not run and events are added: they are joined by id while they run. */
export interface LocalNetworks extends Omit<NetworkOperations, 'prune'> {
  /** The network of a name, an id, or the beginning of one. Throws 404, and 400 when it is ambiguous. */
  readonly need: (reference: string) => LocalNetwork
  /** Resolves with what was removed. */
  readonly prune: (options: { readonly filters?: Filters }) => Promise<readonly NetworkInspect[]>
}

/** Networks as the Docker Engine API has them. */
export function networkOperations(ports: NetworkOperationsPorts): LocalNetworks {
  const { networks, table, sandboxes, clock } = ports
  const lock = new KeyedLock()
  const inspect = (network: LocalNetwork): NetworkInspect => networkInspect(network, table.membersOf(network.id))
  const isUsed = ({ id }: LocalNetwork): boolean => table.membersOf(id).length > 0
  return {
    create: request => lock.run(LOCK, () => createNetwork(request, ports)),
    need: reference => networks.need(reference),
    list: async ({ filters = {} }) =>
      networks
        .all()
        .filter(listFilter(filters, isUsed))
        .map(network => networkInspect(network, [])),
    inspect: async reference => inspect(networks.need(reference)),
    remove: reference => lock.run(LOCK, () => removeNetwork(networks.need(reference), ports)),
    connect: async (reference, containerId, config) => {
      const network = networks.need(reference)
      if (isJoinable(network)) return sandboxes.connect(containerId, network, config)
      throw new ShoalError('NOT_JOINABLE', 400, `container cannot be connected to network ${network.name}`)
    },
    disconnect: async (reference, containerId) => {
      const { id, name } = networks.need(reference)
      return sandboxes.disconnect(containerId, id, name)
    },
    prune: ({ filters = {} }) =>
      lock.run(LOCK, async () => {
        const passes = pruneFilter(filters, clock.nowMs())
        const unused = networks.all().filter(network => isJoinable(network) && passes(network) && !isUsed(network))
        const removed = unused.map(inspect)
        for (const network of unused) if (isJoinable(network)) await undoNetwork(network, ports)
        return removed
      }),
  }
}

async function createNetwork(
  request: NetworkCreateRequest,
  ports: NetworkOperationsPorts,
): Promise<{ Id: string; Warning: string }> {
  const { netlink, networks, firewall, clock, random, defaultMtu, seed, owner, addressPools } = ports
  const planned = planNetwork(request, {
    existing: networks.all(),
    routed: ([4, 6] as const).flatMap(family => listRoutedNetworks(netlink, family)).map(parseIpNet),
    defaultMtu,
    id: newHexId(random),
    createdAt: new Date(clock.nowMs()).toISOString(),
    seed,
    ...(addressPools === undefined ? {} : { addressPools }),
  })
  if (planned.driver === 'config') {
    await networks.put(planned)
    return { Id: planned.id, Warning: '' }
  }
  const network =
    planned.driver === 'bridge'
      ? { ...planned, ownsBridge: findLink(netlink, planned.bridge) === undefined }
      : { ...planned, ownsParent: isOwnParent(netlink, planned, networks.all()) }
  await networks.put(network)
  try {
    if (network.driver === 'bridge') {
      ensureBridge(netlink, network, owner)
      firewall.setNetwork(network)
      await firewall.apply()
    } else {
      ensureParent(netlink, network)
    }
  } catch (error) {
    await undoNetwork(network, ports)
    throw error
  }
  return { Id: network.id, Warning: '' }
}

async function removeNetwork(network: LocalNetwork, ports: NetworkOperationsPorts): Promise<void> {
  if (network.driver === 'config') {
    checkConfigUnused(network, ports.networks.all())
    return ports.networks.remove(network.id)
  }
  if (isPredefined(network.name) || !isJoinable(network)) {
    throw new ShoalError('PREDEFINED_NETWORK', 403, `${network.name} is a pre-defined network and cannot be removed`)
  }
  if (ports.table.membersOf(network.id).length > 0) {
    throw new ShoalError(
      'NETWORK_IN_USE',
      403,
      `error while removing network: network ${network.name} id ${network.id} has active endpoints`,
    )
  }
  await undoNetwork(network, ports)
}

async function undoNetwork(
  network: JoinableNetwork,
  { netlink, networks, firewall, owner }: NetworkOperationsPorts,
): Promise<void> {
  if (network.driver === 'bridge') {
    removeBridge(netlink, network, owner)
    firewall.removeNetwork(network.id)
  } else {
    removeParent(netlink, network, networks.all())
  }
  await networks.remove(network.id)
  await firewall.apply()
}
