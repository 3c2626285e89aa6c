import { parseCidr } from '../../../core/cidr.ts'
import { newHexId, type Random } from '../../../core/random.ts'
import { findLink } from '../../linux/netlink-links.ts'
import { listAddresses, listRoutedNetworks } from '../../linux/netlink-routes.ts'
import type { NetlinkSocket } from '../../linux/netlink-socket.ts'
import { stackIdentity } from '../stack-identity.ts'
import type { BridgeNetwork } from './local-network.ts'
import type { NetworkTable } from './network-table.ts'
import { planNetwork } from './plan-network.ts'

export const DEFAULT_MTU = 1500

export interface DefaultsOptions {
  readonly engineName: string
  readonly dataRoot: string
  readonly bridge?: string
  readonly bip?: string
  readonly mtu?: number
}

interface DefaultsPorts {
  readonly netlink: NetlinkSocket
  readonly networks: NetworkTable
  readonly random: Random
  readonly createdAt: string
}

/** Makes `host`, `none` and the default `bridge`, and brings the latter in line with the engine's flags. */
export async function ensureDefaults(options: DefaultsOptions, ports: DefaultsPorts): Promise<void> {
  const { networks, random, createdAt } = ports
  if (networks.find('host') === undefined) {
    await networks.put({ id: newHexId(random), name: 'host', driver: 'host', createdAt })
  }
  if (networks.find('none') === undefined) {
    await networks.put({ id: newHexId(random), name: 'none', driver: 'null', createdAt })
  }
  const existing = networks.bridges().find(network => network.isDefault)
  if (options.bridge === 'none') {
    if (existing !== undefined) await networks.remove(existing.id)
    return
  }
  const wanted = defaultBridge(options, existing, ports)
  if (JSON.stringify(wanted) !== JSON.stringify(existing)) await networks.put(wanted)
}

function defaultBridge(
  options: DefaultsOptions,
  existing: BridgeNetwork | undefined,
  { netlink, networks, random, createdAt }: DefaultsPorts,
): BridgeNetwork {
  const bridge = options.bridge ?? stackIdentity(options).bridge
  const given = options.bip ?? (options.bridge === undefined ? undefined : addressOf(netlink, bridge))
  const config = given === undefined ? keptAddresses(existing) : { Subnet: given, Gateway: given.split('/')[0] ?? '' }
  const others = networks.all().filter(network => network !== existing)
  const planned = planNetwork(
    // The name is refused to everyone else.
    { Name: 'default-bridge', ...(config === undefined ? {} : { IPAM: { Config: [config] } }) },
    {
      existing: others,
      routed: listRoutedNetworks(netlink).map(parseCidr),
      defaultMtu: options.mtu ?? DEFAULT_MTU,
      id: existing?.id ?? newHexId(random),
      createdAt: existing?.createdAt ?? createdAt,
    },
  )
  return { ...planned, name: 'bridge', bridge, isDefault: true, options: { 'com.docker.network.bridge.name': bridge } }
}

/** Address of a bridge that the operator made. */
function addressOf(netlink: NetlinkSocket, bridge: string): string | undefined {
  const link = findLink(netlink, bridge)
  const found = listAddresses(netlink).find(({ linkIndex }) => linkIndex === link?.index)
  return found === undefined ? undefined : `${found.address}/${found.prefix}`
}

function keptAddresses(existing: BridgeNetwork | undefined): { Subnet: string; Gateway: string } | undefined {
  return existing === undefined ? undefined : { Subnet: existing.subnet, Gateway: existing.gateway }
}
