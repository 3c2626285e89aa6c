import { hashOf } from '../../../core/digest.ts'
import { conflict } from '../../../core/errors.ts'
import {
  formatIp,
  formatIpNet,
  type IpAddress,
  type IpNet,
  ipNetContains,
  ipNetOverlaps,
  ipNetSize,
  parseIp,
  parseIpNet,
} from '../../../core/ip.ts'
import type { SubnetPlan } from './local-network.ts'

/** Subnets of one size for networks that ask for none. */
export interface AddressPool {
  /** Network they are parts of. */
  readonly base: string
  /** Prefix of each. */
  readonly size: number
}

/** In dockerd's order: fifteen /16 from 172.17, then sixteen /20 of 192.168. */
const DEFAULT_POOLS: readonly AddressPool[] = [
  ...Array.from({ length: 15 }, (_, index) => ({ base: `172.${17 + index}.0.0/16`, size: 16 })),
  { base: '192.168.0.0/16', size: 20 },
]
const ULA_TRIES = 65_536
const ULA_PREFIX = 64
/** What an IPv4 and an IPv6 address leave of a MAC address: docker's beginning, locally administered. */
const MAC_START = '02:42'

/** The first subnet of the pools that overlaps nothing in `taken`. */
export function chooseSubnet(taken: readonly IpNet[], pools: readonly AddressPool[] = DEFAULT_POOLS): string {
  for (const { base, size } of pools) {
    const pool = parseIpNet(base)
    const step = 1n << BigInt(32 - size)
    for (let start = pool.base; start < pool.base + ipNetSize(pool); ) {
      const net: IpNet = { family: 4, base: start, prefix: size }
      const inWay = taken.find(other => ipNetOverlaps(net, other))
      if (inWay === undefined) return formatIpNet(net)
      // Behind what is in the way: of a large pool in small parts not every one is looked at.
      const behind = inWay.base + ipNetSize(inWay)
      start = behind > start + step ? behind + ((step - (behind % step)) % step) : start + step
    }
  }
  throw conflict(
    'NO_FREE_SUBNET',
    'Every default subnet is in use on this host: give the network a subnet, or remove networks that are not used',
  )
}

/**
 * A /64 of unique local addresses (RFC 4193) that overlaps nothing in `taken`. The 40 bits that tell sites apart follow from
 * `seed`, so that all networks of one engine have them in common.
 */
export function chooseSubnet6(taken: readonly IpNet[], seed: string): string {
  const site = BigInt(`0xfd${hashOf([seed]).slice(0, 10)}`) << 80n
  const inUse = new Set(taken.map(formatIpNet))
  for (let index = 0; index < ULA_TRIES; index++) {
    const net: IpNet = { family: 6, base: site | (BigInt(index) << 64n), prefix: ULA_PREFIX }
    if (!inUse.has(formatIpNet(net)) && !taken.some(other => ipNetOverlaps(net, other))) return formatIpNet(net)
  }
  throw conflict('NO_FREE_SUBNET', 'Every IPv6 subnet of this engine is in use: give the network a subnet')
}

/** First and, of IPv4, last address of the subnet name the network and everyone in it; no container may have them. */
function isReserved(subnet: IpNet, { value }: IpAddress): boolean {
  if (ipNetSize(subnet) <= 2n) return false
  return value === subnet.base || (subnet.family === 4 && value === subnet.base + ipNetSize(subnet) - 1n)
}

const auxiliaryOf = ({ auxiliary }: Pick<SubnetPlan, 'auxiliary'>): string[] => Object.values(auxiliary ?? {})

/**
 * A free address, the next one after `previous` if it can be, so that an address that was just given back is not the
 * first to be used again. Undefined when all are taken.
 */
export function nextAddress(space: SubnetPlan, taken: ReadonlySet<string>, previous?: string): string | undefined {
  const subnet = parseIpNet(space.subnet)
  const pool = parseIpNet(space.range ?? space.subnet)
  const { family } = subnet
  const others = auxiliaryOf(space)
  const size = ipNetSize(pool)
  const last = previous === undefined ? undefined : parseIp(previous)
  const start = last !== undefined && ipNetContains(pool, last) ? last.value + 1n - pool.base : 0n
  // Of n+3 addresses at most n are taken and three reserved: more steps than that cannot be needed.
  const most = BigInt(taken.size + others.length + 4)
  const steps = size < most ? size : most
  for (let step = 0n; step < steps; step++) {
    const address = { family, value: pool.base + ((start + step) % size) }
    const text = formatIp(address)
    const isOthers = text === space.gateway || others.includes(text) || taken.has(text)
    if (!isReserved(subnet, address) && !isOthers) return text
  }
  return undefined
}

/** Why a container may not have this address; undefined if it may. Malformed addresses throw. */
export function refuseAddress(space: SubnetPlan, address: string): string | undefined {
  const subnet = parseIpNet(space.subnet)
  const parsed = parseIp(address)
  if (!ipNetContains(subnet, parsed)) return `it is not in the subnet ${space.subnet}`
  const text = formatIp(parsed)
  if (text === space.gateway) return 'it is the gateway'
  if (auxiliaryOf(space).includes(text)) return 'it is reserved as an auxiliary address'
  return isReserved(subnet, parsed) ? 'it is the first or the last of the subnet' : undefined
}

/** The MAC address that belongs to an IPv4 address: docker's. */
export function macOf(address: string): string {
  const hex = parseIp(address).value.toString(16).padStart(8, '0')
  return `${MAC_START}:${hex.replace(/(..)(?=.)/g, '$1:')}`
}
