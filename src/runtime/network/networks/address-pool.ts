import {
  type Cidr,
  cidrContains,
  cidrOverlaps,
  cidrSize,
  formatIpv4,
  parseCidr,
  parseIpv4,
} from '../../../core/cidr.ts'
import { conflict } from '../../../core/errors.ts'

/** Subnets for networks that ask for none, in dockerd's order: fifteen /16 from 172.17, then sixteen /20 of 192.168. */
const DEFAULT_POOLS: readonly string[] = [
  ...Array.from({ length: 15 }, (_, index) => `172.${17 + index}.0.0/16`),
  ...Array.from({ length: 16 }, (_, index) => `192.168.${index * 16}.0/20`),
]

/** The first default subnet that overlaps nothing in `taken`. */
export function chooseSubnet(taken: readonly Cidr[]): string {
  const free = DEFAULT_POOLS.find(pool => !taken.some(other => cidrOverlaps(parseCidr(pool), other)))
  if (free !== undefined) return free
  throw conflict(
    'NO_FREE_SUBNET',
    'Every default subnet is in use on this host: give the network a subnet, or remove networks that are not used',
  )
}

export interface AddressSpace {
  readonly subnet: string
  /** Part of the subnet to choose from. */
  readonly range?: string
  readonly gateway: string
}

/** First and last address of the subnet name the network and everyone in it; no container may have them. */
function isReserved(subnet: Cidr, address: number): boolean {
  return cidrSize(subnet) > 2 && (address === subnet.base || address === subnet.base + cidrSize(subnet) - 1)
}

/**
 * A free address, the next one after `previous` if it can be, so that an address that was just given back is not the
 * first to be used again. Undefined when all are taken.
 */
export function nextAddress(space: AddressSpace, taken: ReadonlySet<string>, previous?: string): string | undefined {
  const subnet = parseCidr(space.subnet)
  const pool = parseCidr(space.range ?? space.subnet)
  const size = cidrSize(pool)
  const last = previous === undefined ? pool.base - 1 : parseIpv4(previous)
  const start = cidrContains(pool, last) ? last + 1 - pool.base : 0
  // Of n+3 addresses at most n are taken and three reserved: more steps than that cannot be needed.
  const steps = Math.min(size, taken.size + 4)
  for (let step = 0; step < steps; step++) {
    const address = pool.base + ((start + step) % size)
    const text = formatIpv4(address)
    if (!isReserved(subnet, address) && text !== space.gateway && !taken.has(text)) return text
  }
  return undefined
}

/** Why a container may not have this address; undefined if it may. Malformed addresses throw. */
export function refuseAddress(space: AddressSpace, address: string): string | undefined {
  const subnet = parseCidr(space.subnet)
  const number = parseIpv4(address)
  if (!cidrContains(subnet, number)) return `it is not in the subnet ${space.subnet}`
  if (address === space.gateway) return 'it is the gateway'
  return isReserved(subnet, number) ? 'it is the first or the last of the subnet' : undefined
}

/** The MAC address that belongs to an IPv4 address: docker's, locally administered. */
export function macOf(address: string): string {
  const hex = parseIpv4(address).toString(16).padStart(8, '0')
  return `02:42:${hex.replace(/(..)(?=.)/g, '$1:')}`
}
