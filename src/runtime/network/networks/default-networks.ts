import { parseIpNet } from '../../../core/ip.ts'
import { newHexId, type Random } from '../../../core/random.ts'
import type { NetworkCreateRequest } from '../../../docker-api/index.ts'
import { findLink } from '../../linux/net/netlink-links.ts'
import { listAddresses, listRoutedNetworks } from '../../linux/net/netlink-routes.ts'
import type { NetlinkSocket } from '../../linux/net/netlink-socket.ts'
import { stackIdentity } from '../stack-identity.ts'
import type { AddressPool } from './address-pool.ts'
import { BRIDGE_NAME_OPTION } from './bridge-options.ts'
import type { BridgeNetwork } from './local-network.ts'
import type { NetworkTable } from './network-table.ts'
import { planBridge } from './plan-network.ts'

export const DEFAULT_MTU = 1500

/** The default network, by dockerd's flags. */
export interface DefaultBridgeOptions {
  /** Its device; made if it does not exist. `none`: there is no default network. */
  readonly bridge?: string
  /** Address and prefix of the bridge: `172.30.0.1/16`. */
  readonly bip?: string
  readonly mtu?: number
  /** Part of the bridge's subnet that containers get addresses of. */
  readonly fixedCidr?: string
  /** Subnet of an IPv6 network that the bridge has too. */
  readonly fixedCidr6?: string
  /** False: containers of the default network do not reach each other. */
  readonly icc?: boolean
  /** False: containers leave the host with addresses of their own. */
  readonly masquerade?: boolean
  /** Host address of published ports that name none. */
  readonly hostBinding?: string
}

export interface DefaultsOptions extends DefaultBridgeOptions {
  readonly engineName: string
  readonly dataRoot: string
  readonly addressPools?: readonly AddressPool[]
}

/** What dockerd writes down of its default network. */
function defaultOptions({ icc = true, masquerade = true, hostBinding = '0.0.0.0' }: DefaultBridgeOptions) {
  return {
    'com.docker.network.bridge.default_bridge': 'true',
    'com.docker.network.bridge.enable_icc': String(icc),
    'com.docker.network.bridge.enable_ip_masquerade': String(masquerade),
    'com.docker.network.bridge.host_binding_ipv4': hostBinding,
  }
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
  const others = networks.all().filter(network => network !== existing)
  const planned = planBridge(
    bridgeRequest(options, given === undefined ? keptAddresses(existing) : splitAddress(given)),
    {
      existing: others,
      routed: listRoutedNetworks(netlink).map(parseIpNet),
      defaultMtu: options.mtu ?? DEFAULT_MTU,
      id: existing?.id ?? newHexId(random),
      createdAt: existing?.createdAt ?? createdAt,
      seed: options.dataRoot,
      ...(options.addressPools === undefined ? {} : { addressPools: options.addressPools }),
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
    options: { ...defaultOptions(options), ...ownOptions(bridge, planned.mtu) },
  }
}

/** The default network as somebody would ask for it. */
function bridgeRequest(
  { fixedCidr, fixedCidr6 }: DefaultBridgeOptions,
  addresses: { readonly Subnet: string; readonly Gateway: string } | undefined,
): NetworkCreateRequest {
  const range = fixedCidr === undefined ? {} : { IPRange: fixedCidr }
  const configs = [
    ...(addresses === undefined && fixedCidr === undefined ? [] : [{ ...addresses, ...range }]),
    ...(fixedCidr6 === undefined ? [] : [{ Subnet: fixedCidr6 }]),
  ]
  const isDual = fixedCidr6 !== undefined
  return { Name: 'bridge', EnableIPv6: isDual, ...(configs.length === 0 ? {} : { IPAM: { Config: configs } }) }
}

function splitAddress(bip: string): { readonly Subnet: string; readonly Gateway: string } {
  return { Subnet: bip, Gateway: bip.split('/')[0] ?? '' }
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
