import { parseIpNet } from '../../../core/ip.ts'
import { newHexId, type Random } from '../../../core/random.ts'
import { findLink } from '../../linux/net/netlink-links.ts'
import { listAddresses, listRoutedNetworks } from '../../linux/net/netlink-routes.ts'
import type { NetlinkSocket } from '../../linux/net/netlink-socket.ts'
import { stackIdentity } from '../stack-identity.ts'
import { BRIDGE_NAME_OPTION } from './bridge-options.ts'
import type { BridgeNetwork } from './local-network.ts'
import type { NetworkTable } from './network-table.ts'
import { planBridge } from './plan-network.ts'

export const DEFAULT_MTU = 1500

export interface DefaultsOptions {
  readonly engineName: string
  readonly dataRoot: string
  readonly bridge?: string
  readonly bip?: string
  readonly mtu?: number
}

/** What dockerd writes down of its default network. */
const DEFAULT_OPTIONS = {
  'com.docker.network.bridge.default_bridge': 'true',
  'com.docker.network.bridge.enable_icc': 'true',
  'com.docker.network.bridge.enable_ip_masquerade': 'true',
  'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
}

function ownOptions(bridge: string, mtu: number): Readonly<Record<string, string>> {
  return { [BRIDGE_NAME_OPTION]: bridge, 'com.docker.network.driver.mtu': String(mtu) }
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
  const planned = planBridge(
    { Name: 'bridge', ...(config === undefined ? {} : { IPAM: { Config: [config] } }) },
    {
      existing: others,
      routed: listRoutedNetworks(netlink).map(parseIpNet),
      defaultMtu: options.mtu ?? DEFAULT_MTU,
      id: existing?.id ?? newHexId(random),
      createdAt: existing?.createdAt ?? createdAt,
      seed: options.dataRoot,
    },
  )
  const isOurName = bridge === stackIdentity(options).bridge
  const isKept = existing?.bridge === bridge && existing.ownsBridge !== undefined
  const ownsBridge = isKept ? existing.ownsBridge : isOurName || findLink(netlink, bridge) === undefined
  return {
    ...planned,
    bridge,
    ownsBridge,
    isDefault: true,
    options: { ...DEFAULT_OPTIONS, ...ownOptions(bridge, planned.mtu) },
  }
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
