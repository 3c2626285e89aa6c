import { invalidInput, notFound, ShoalError } from '../../../core/errors.ts'
import { ipFamily } from '../../../core/ip.ts'
import type { EndpointConfig } from '../../../docker-api/index.ts'
import { NO_NETWORKS, type SandboxRequest } from '../../ports.ts'
import { refuseAddress } from '../networks/address-pool.ts'
import { isJoinable, type JoinableNetwork, type LocalNetwork, type PlainNetwork } from '../networks/local-network.ts'
import { readEndpointSysctls } from './endpoint-sysctls.ts'

export interface PlannedEndpoint {
  readonly network: JoinableNetwork
  readonly config: EndpointConfig
}

export type SandboxPlan =
  | { readonly kind: 'host'; readonly plain: PlainNetwork | undefined }
  | { readonly kind: 'shared'; readonly owner: string }
  /** A namespace of its own. The first endpoint is the primary one. `plain`: it is on `none`. */
  | { readonly kind: 'private'; readonly endpoints: readonly PlannedEndpoint[]; readonly plain?: PlainNetwork }

export type FindNetwork = (reference: string) => LocalNetwork | undefined

/** Which networks a container joins. Throws what can be known before anything is made. */
export function planSandbox(request: SandboxRequest, find: FindNetwork): SandboxPlan {
  const { networkMode, endpoints } = request
  if (networkMode === 'host') return { kind: 'host', plain: plainNetwork(find('host')) }
  if (networkMode === 'none') {
    const plain = plainNetwork(find('none'))
    return { kind: 'private', endpoints: [], ...(plain === undefined ? {} : { plain }) }
  }
  if (networkMode.startsWith('container:')) return { kind: 'shared', owner: networkMode.slice('container:'.length) }
  const planned = new Map<string, PlannedEndpoint>()
  for (const name of joinedNetworks(request)) {
    const network = find(name === 'default' ? 'bridge' : name)
    if (network === undefined) throw notFound('NO_SUCH_NETWORK', `network ${name} not found`)
    if (network.driver === 'config') {
      throw new ShoalError('CONFIG_NETWORK', 403, 'cannot create endpoint on configuration-only network')
    }
    if (!isJoinable(network)) {
      throw invalidInput('BAD_NETWORK_MODE', `A container cannot join network ${name} together with others`)
    }
    const config = endpoints[name] ?? planned.get(network.id)?.config ?? {}
    planned.set(network.id, { network, config })
  }
  const joined = [...planned.values()].map((endpoint, index) => (index === 0 ? withMac(endpoint, request) : endpoint))
  for (const { network, config } of joined) checkEndpoint(network, config)
  return { kind: 'private', endpoints: joined }
}

function plainNetwork(network: LocalNetwork | undefined): PlainNetwork | undefined {
  return network?.driver === 'host' || network?.driver === 'null' ? network : undefined
}

/** A mode that was not given gives way to the networks that were. */
function joinedNetworks({ networkMode, endpoints }: SandboxRequest): string[] {
  const named = Object.keys(endpoints)
  if (networkMode === NO_NETWORKS) return named
  const isUnsaid = networkMode === '' || networkMode === 'default'
  if (isUnsaid) return named.length > 0 ? named : ['bridge']
  return [networkMode, ...named]
}

/** Older clients give the container an address, not its endpoint. */
function withMac(endpoint: PlannedEndpoint, { macAddress = '' }: SandboxRequest): PlannedEndpoint {
  if (macAddress === '' || endpoint.config.MacAddress) return endpoint
  return { ...endpoint, config: { ...endpoint.config, MacAddress: macAddress } }
}

/** Throws for what no network could give. */
export function checkEndpointSyntax({ MacAddress = '', IPAMConfig, DriverOpts }: EndpointConfig): void {
  if (MacAddress !== '' && !isUsableMac(MacAddress)) {
    throw invalidInput('BAD_MAC', `invalid MAC address: ${MacAddress}`)
  }
  const { IPv4Address = '', IPv6Address = '', LinkLocalIPs } = IPAMConfig ?? {}
  if (IPv4Address !== '' && ipFamily(IPv4Address) !== 4) {
    throw invalidInput('BAD_ADDRESS', `invalid IPv4 address: ${IPv4Address}`)
  }
  if (IPv6Address !== '' && ipFamily(IPv6Address) !== 6) {
    throw invalidInput('BAD_ADDRESS', `invalid IPv6 address: ${IPv6Address}`)
  }
  for (const address of LinkLocalIPs ?? []) {
    if (!/^169\.254\.|^fe[89ab][0-9a-f]:/i.test(address) || ipFamily(address) === undefined) {
      throw invalidInput('BAD_ADDRESS', `invalid link-local IP address: ${address}`)
    }
  }
  readEndpointSysctls(DriverOpts ?? {}, 'eth0')
}

/** Six pairs of hexadecimal digits, not all zero, and of one station: the kernel takes no other for a device. */
function isUsableMac(text: string): boolean {
  return /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(text) && text !== '00:00:00:00:00:00'
}

/** Throws when the network cannot give the container what it asks for, whoever else is on it. */
export function checkEndpoint(network: JoinableNetwork, config: EndpointConfig): void {
  checkEndpointSyntax(config)
  const { IPv4Address = '', IPv6Address = '' } = config.IPAMConfig ?? {}
  if (network.isDefault && (IPv4Address !== '' || IPv6Address !== '')) {
    throw invalidInput('NO_STATIC_ADDRESS', 'user specified IP address is supported on user defined networks only')
  }
  if (network.isDefault && (config.Aliases ?? []).length > 0) {
    throw invalidInput('NO_ALIASES', 'network-scoped alias is supported only for containers in user defined networks')
  }
  if (IPv4Address !== '') checkAddress(IPv4Address, network, network)
  if (IPv6Address !== '') checkAddress(IPv6Address, network, network.ipv6)
}

function checkAddress(
  address: string,
  { name }: JoinableNetwork,
  space: Parameters<typeof refuseAddress>[0] | undefined,
): void {
  const refusal = space === undefined ? 'it is not in the subnet' : refuseAddress(space, address)
  if (refusal === undefined) return
  if (refusal.startsWith('it is not in')) {
    throw invalidInput('BAD_ADDRESS', `Invalid address ${address}: It does not belong to any of this network's subnets`)
  }
  throw invalidInput('BAD_ADDRESS', `Address ${address} cannot be used on network ${name}: ${refusal}`)
}
