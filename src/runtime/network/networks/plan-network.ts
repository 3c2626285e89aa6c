import {
  type Cidr,
  cidrContains,
  cidrOverlaps,
  cidrSize,
  formatCidr,
  formatIpv4,
  parseCidr,
  parseIpv4,
} from '../../../core/cidr.ts'
import { conflict, invalidInput, ShoalError, unsupported } from '../../../core/errors.ts'
import type { NetworkCreateRequest } from '../../../docker-api/index.ts'
import { chooseSubnet } from './address-pool.ts'
import { type BridgeNetwork, isPredefined, type LocalNetwork } from './local-network.ts'

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/
const DEVICE_NAME = /^[a-zA-Z0-9_.-]{1,15}$/
const BRIDGE_OPTION = 'com.docker.network.bridge.name'
const MTU_OPTION = 'com.docker.network.driver.mtu'

export interface NetworkSurroundings {
  readonly existing: readonly LocalNetwork[]
  /** Networks the host has routes to. */
  readonly routed: readonly Cidr[]
  readonly defaultMtu: number
  readonly id: string
  readonly createdAt: string
}

/** Decides everything about a new network; throws what dockerd would refuse, in its words where clients read them. */
export function planNetwork(request: NetworkCreateRequest, around: NetworkSurroundings): BridgeNetwork {
  const name = request.Name
  checkName(name, around.existing)
  const driver = request.Driver ?? 'bridge'
  if (!['', 'default', 'bridge'].includes(driver)) {
    throw unsupported('UNKNOWN_DRIVER', `Network driver "${driver}" is not available: use bridge`)
  }
  const options = request.Options ?? {}
  const addresses = planAddresses(name, request, around)
  const bridge = options[BRIDGE_OPTION] ?? `br-${around.id.slice(0, 12)}`
  if (!DEVICE_NAME.test(bridge)) {
    throw invalidInput('BAD_DEVICE_NAME', `"${bridge}" cannot name a device: use at most 15 letters, digits, _ . and -`)
  }
  const user = bridges(around.existing).find(other => other.bridge === bridge)
  if (user !== undefined) {
    throw conflict('BRIDGE_TAKEN', `Device ${bridge} belongs to network ${user.name}: choose another ${BRIDGE_OPTION}`)
  }
  return {
    id: around.id,
    name,
    createdAt: around.createdAt,
    driver: 'bridge',
    bridge,
    ...addresses,
    mtu: parseMtu(options[MTU_OPTION], around.defaultMtu),
    internal: request.Internal ?? false,
    attachable: request.Attachable ?? false,
    isDefault: false,
    options,
    labels: request.Labels ?? {},
  }
}

const bridges = (networks: readonly LocalNetwork[]): BridgeNetwork[] =>
  networks.filter(network => network.driver === 'bridge')

function checkName(name: string, existing: readonly LocalNetwork[]): void {
  if (!NAME.test(name)) {
    throw invalidInput('BAD_NETWORK_NAME', `"${name}" cannot name a network: use letters, digits, _ . and -`)
  }
  if (isPredefined(name)) {
    throw new ShoalError('PREDEFINED_NETWORK', 403, `operation is not permitted on predefined ${name} network`)
  }
  if (existing.some(network => network.name === name)) {
    throw conflict('NETWORK_EXISTS', `network with name ${name} already exists`)
  }
}

function parseMtu(text: string | undefined, defaultMtu: number): number {
  if (text === undefined) return defaultMtu
  const mtu = Number(text)
  if (!Number.isInteger(mtu) || mtu < 68 || mtu > 65_535) {
    throw invalidInput('BAD_MTU', `"${text}" is no MTU: expected a number of bytes from 68 to 65535`)
  }
  return mtu
}

function planAddresses(
  name: string,
  request: NetworkCreateRequest,
  { existing, routed }: NetworkSurroundings,
): Pick<BridgeNetwork, 'subnet' | 'gateway' | 'range'> {
  const [config, second] = (request.IPAM?.Config ?? []).filter(
    ({ Subnet }) => Subnet === undefined || !Subnet.includes(':'),
  )
  if (second !== undefined) throw unsupported('MANY_SUBNETS', `Network ${name} asks for several subnets: give one`)
  const used = bridges(existing)
  const asked = config?.Subnet === undefined || config.Subnet === '' ? undefined : parseCidr(config.Subnet)
  if (asked !== undefined) checkSubnet(asked, used)
  const subnet = asked ?? parseCidr(chooseSubnet([...routed, ...used.map(network => parseCidr(network.subnet))]))
  const gateway = config?.Gateway ? parseIpv4(config.Gateway) : subnet.base + 1
  if (!cidrContains(subnet, gateway)) {
    throw invalidInput('BAD_GATEWAY', `Gateway ${formatIpv4(gateway)} is not in the subnet ${formatCidr(subnet)}`)
  }
  return {
    subnet: formatCidr(subnet),
    gateway: formatIpv4(gateway),
    ...(config?.IPRange ? { range: parseRange(config.IPRange, subnet) } : {}),
  }
}

function parseRange(text: string, subnet: Cidr): string {
  const range = parseCidr(text)
  if (cidrContains(subnet, range.base) && range.prefix >= subnet.prefix) return formatCidr(range)
  throw invalidInput('BAD_RANGE', `IP range ${text} is not in the subnet ${formatCidr(subnet)}`)
}

function checkSubnet(subnet: Cidr, used: readonly BridgeNetwork[]): void {
  if (cidrSize(subnet) < 4) {
    throw invalidInput('SMALL_SUBNET', `Subnet ${formatCidr(subnet)} has no room for containers: use /30 or larger`)
  }
  const other = used.find(network => cidrOverlaps(parseCidr(network.subnet), subnet))
  if (other !== undefined) {
    throw new ShoalError(
      'SUBNET_TAKEN',
      403,
      `Pool overlaps with other one on this address space: ${formatCidr(subnet)} is used by network ${other.name} (${other.subnet})`,
    )
  }
}
