import { conflict, invalidInput, ShoalError, unsupported } from '../../../core/errors.ts'
import {
  formatIp,
  formatIpNet,
  type IpFamily,
  type IpNet,
  ipFamily,
  ipNetContains,
  ipNetOverlaps,
  ipNetSize,
  parseIp,
  parseIpNet,
} from '../../../core/ip.ts'
import type { IpamConfig, NetworkCreateRequest } from '../../../docker-api/index.ts'
import { type AddressPool, chooseSubnet, chooseSubnet6, nextAddress } from './address-pool.ts'
import type { SubnetPlan } from './local-network.ts'

const IPAM_DRIVERS = ['', 'default']
const ADDRESSES_MIN = 4n

export interface SubnetSurroundings {
  /** Subnets of the engine's networks. */
  readonly used: readonly IpNet[]
  /** Networks the host has routes to. */
  readonly routed: readonly IpNet[]
  /** Tells this engine's own IPv6 subnets from others'. */
  readonly seed: string
  /** Where subnets are taken from for networks that ask for none; absent: dockerd's pools. */
  readonly addressPools?: readonly AddressPool[]
}

/** Decides the subnets of a new network. What dockerd refuses is refused in its words where clients read them. */
export function planSubnets(
  request: Pick<NetworkCreateRequest, 'IPAM' | 'EnableIPv6'>,
  around: SubnetSurroundings,
): SubnetPlan & { readonly ipv6?: SubnetPlan } {
  const driver = request.IPAM?.Driver ?? ''
  if (!IPAM_DRIVERS.includes(driver)) throw new ShoalError('UNKNOWN_DRIVER', 404, `plugin "${driver}" not found`)
  const configs = request.IPAM?.Config ?? []
  const ofFamily = (family: IpFamily): IpamConfig | undefined => oneOf(configs, family)
  const [config4, config6] = [ofFamily(4), ofFamily(6)]
  const ipv4 = planSubnet(config4, around, () => chooseSubnet([...around.routed, ...around.used], around.addressPools))
  // As dockerd does: a subnet alone does not make a network speak IPv6.
  if (request.EnableIPv6 !== true) return ipv4
  const choose = (): string => chooseSubnet6([...around.routed, ...around.used], around.seed)
  return { ...ipv4, ipv6: planSubnet(config6, around, choose) }
}

function oneOf(configs: readonly IpamConfig[], family: IpFamily): IpamConfig | undefined {
  const [first, second] = configs.filter(config => familyOf(config) === family)
  if (second === undefined) return first
  throw new ShoalError('MANY_SUBNETS', 403, "bridge driver doesn't support multiple subnets")
}

function familyOf({ Subnet = '', Gateway = '' }: IpamConfig): IpFamily {
  const address = (Subnet || Gateway).split('/')[0] ?? ''
  return address.includes(':') ? 6 : 4
}

function planSubnet(config: IpamConfig | undefined, { used }: SubnetSurroundings, choose: () => string): SubnetPlan {
  const asked = readSubnet(config)
  const subnet = asked ?? parseIpNet(choose())
  if (asked !== undefined) checkSubnet(asked, used)
  const range = config?.IPRange ? { range: readRange(config.IPRange, subnet) } : {}
  const auxiliary = readAuxiliary(config, subnet)
  const gateway = readGateway(config, subnet) ?? firstFree(subnet, auxiliary)
  if (Object.values(auxiliary).includes(gateway)) {
    throw new ShoalError('BAD_GATEWAY', 403, `failed to allocate gateway (${gateway}): Address already in use`)
  }
  const reserved = Object.keys(auxiliary).length === 0 ? {} : { auxiliary }
  return { subnet: formatIpNet(subnet), gateway, ...range, ...reserved }
}

function readSubnet(config: IpamConfig | undefined): IpNet | undefined {
  const text = config?.Subnet ?? ''
  if (text === '') {
    const [extra] = [config?.Gateway, config?.IPRange, ...Object.values(config?.AuxiliaryAddresses ?? {})].filter(
      Boolean,
    )
    if (extra === undefined) return undefined
    throw invalidInput('BAD_SUBNET', 'Invalid subnet  : invalid CIDR address: ')
  }
  try {
    return parseIpNet(text)
  } catch {
    throw invalidInput('BAD_SUBNET', `Invalid subnet ${text} : invalid CIDR address: ${text}`)
  }
}

function checkSubnet(subnet: IpNet, used: readonly IpNet[]): void {
  if (ipNetSize(subnet) < ADDRESSES_MIN) {
    throw invalidInput('SMALL_SUBNET', `Subnet ${formatIpNet(subnet)} has no room for containers: use /30 or larger`)
  }
  const isUnusable = ['127.0.0.0/8', '224.0.0.0/3', '::1/128', 'fe80::/10', 'ff00::/8'].some(special =>
    ipNetOverlaps(parseIpNet(special), subnet),
  )
  if (isUnusable) {
    throw invalidInput(
      'BAD_SUBNET',
      `Subnet ${formatIpNet(subnet)} holds loopback, link-local or multicast addresses: give another one`,
    )
  }
  if (used.some(other => ipNetOverlaps(other, subnet))) {
    throw new ShoalError('SUBNET_TAKEN', 403, 'Pool overlaps with other one on this address space')
  }
}

function readGateway(config: IpamConfig | undefined, subnet: IpNet): string | undefined {
  const text = config?.Gateway ?? ''
  if (text === '') return undefined
  if (ipFamily(text) === undefined) {
    throw invalidInput('BAD_GATEWAY', `invalid gateway address ${text} in Ipam configuration`)
  }
  const gateway = parseIp(text)
  if (ipNetContains(subnet, gateway)) return formatIp(gateway)
  throw invalidInput('BAD_GATEWAY', `failed to allocate gateway (${text}): Requested address is out of range`)
}

function firstFree(subnet: IpNet, auxiliary: Readonly<Record<string, string>>): string {
  const gateway = nextAddress({ subnet: formatIpNet(subnet), gateway: '', auxiliary }, new Set())
  if (gateway !== undefined) return gateway
  throw conflict('NO_FREE_ADDRESS', `no available address in ${formatIpNet(subnet)} for the gateway`)
}

function readRange(text: string, subnet: IpNet): string {
  let range: IpNet | undefined
  try {
    range = parseIpNet(text)
  } catch {
    throw invalidInput(
      'BAD_RANGE',
      `failed to parse pool request for address space "LocalDefault" pool "${formatIpNet(subnet)}" subpool "${text}": Invalid Address SubPool`,
    )
  }
  const isInside = ipNetContains(subnet, { family: range.family, value: range.base }) && range.prefix >= subnet.prefix
  if (isInside) return formatIpNet(range)
  throw invalidInput('BAD_RANGE', `IP range ${text} is not in the subnet ${formatIpNet(subnet)}`)
}

function readAuxiliary(config: IpamConfig | undefined, subnet: IpNet): Readonly<Record<string, string>> {
  const entries = Object.entries(config?.AuxiliaryAddresses ?? {}).map(([name, text]) => {
    if (ipFamily(text) === undefined) {
      throw invalidInput('BAD_AUXILIARY', `non parsable secondary ip address (${name}:${text})`)
    }
    const address = parseIp(text)
    if (ipNetContains(subnet, address)) return [name, formatIp(address)] as const
    throw new ShoalError(
      'BAD_AUXILIARY',
      403,
      `auxiliary address: (${name}:${text}) must belong to the master pool: ${formatIpNet(subnet)}`,
    )
  })
  return Object.fromEntries(entries)
}

/** Throws for parts of a request that would change what networks are here, and that this engine does not have. */
export function refuseSwarmFields(request: NetworkCreateRequest): void {
  if (request.Ingress === true) {
    throw new ShoalError('NOT_A_SWARM', 403, 'Ingress network can only be global scope network')
  }
  if (request.Scope === 'swarm') {
    throw new ShoalError('NOT_A_SWARM', 403, 'cannot create a swarm scoped network when swarm is not active')
  }
  if (request.EnableIPv4 === false) {
    throw unsupported('NO_IPV4', 'EnableIPv4=false is not supported: every network of this engine has IPv4')
  }
}
