import type { NetworkCreateRequest } from '../../../docker-api/index.ts'

/** The networks of one engine, as they are kept on disk. */

interface NetworkCommon {
  readonly id: string
  readonly name: string
  /** ISO 8601. */
  readonly createdAt: string
}

/** A subnet, and who in it is not to be disturbed. */
export interface SubnetPlan {
  readonly subnet: string
  readonly gateway: string
  /** Part of the subnet that addresses are chosen from. */
  readonly range?: string
  /** Addresses of others, by name. */
  readonly auxiliary?: Readonly<Record<string, string>>
}

/** What networks with addresses have in common; the subnet at the top is the IPv4 one. */
interface AddressedNetwork extends NetworkCommon, SubnetPlan {
  readonly ipv6?: SubnetPlan
  readonly mtu: number
  /** No way out and no way in. */
  readonly internal: boolean
  readonly attachable: boolean
  /** The engine's own `bridge`: no names are served on it, and no address may be asked for. */
  readonly isDefault: boolean
  readonly options: Readonly<Record<string, string>>
  readonly ipamOptions?: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** Name of the network that all of these options were taken from. */
  readonly configFrom?: string
}

/** A bridge on this host with subnets of its own. */
export interface BridgeNetwork extends AddressedNetwork {
  readonly driver: 'bridge'
  /** Name of the device. */
  readonly bridge: string
  /** False: the device was there before, and stays when the network goes. Decided before it is made, so that a crash leaves no doubt. */
  readonly ownsBridge?: boolean
}

/** Containers stand beside the host on one of its networks: each has a device of its own on the host's device `parent`. */
export interface LanNetwork extends AddressedNetwork {
  readonly driver: 'macvlan'
  readonly parent: string
  readonly mode: string
  /** The engine made `parent`, a VLAN's device. Decided before it is made, so that a crash leaves no doubt. */
  readonly ownsParent?: boolean
}

/** A network that a container joins with addresses. */
export type JoinableNetwork = BridgeNetwork | LanNetwork

/** `host` and `none`: they have no device and no addresses. */
export interface PlainNetwork extends NetworkCommon {
  readonly driver: 'host' | 'null'
}

/** Options for other networks, under a name. No container joins it. */
export interface ConfigNetwork extends NetworkCommon {
  readonly driver: 'config'
  readonly template: Required<Pick<NetworkCreateRequest, 'IPAM' | 'EnableIPv6' | 'Options' | 'Labels'>>
}

export type LocalNetwork = JoinableNetwork | PlainNetwork | ConfigNetwork

const PREDEFINED = ['bridge', 'host', 'none'] as const

export function isPredefined(name: string): boolean {
  return (PREDEFINED as readonly string[]).includes(name)
}

export function isJoinable(network: LocalNetwork): network is JoinableNetwork {
  return !['host', 'null', 'config'].includes(network.driver)
}

/** The driver as clients know it: to them what is only options has none. */
export function shownDriver({ driver }: LocalNetwork): string {
  return driver === 'config' ? 'null' : driver
}

export function labelsOf(network: LocalNetwork): Readonly<Record<string, string>> {
  if (network.driver === 'config') return network.template.Labels ?? {}
  return isJoinable(network) ? network.labels : {}
}

/** The network's subnets: IPv4 first. */
export function subnetsOf(network: JoinableNetwork): SubnetPlan[] {
  return network.ipv6 === undefined ? [network] : [network, network.ipv6]
}
