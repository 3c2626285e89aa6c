import { type Cidr, cidrContains, cidrOverlaps, cidrSize, formatCidr, parseCidr, parseIpv4 } from '../../core/cidr.ts'
import { hashOf } from '../../core/digest.ts'
import { conflict } from '../../core/errors.ts'
import type { NetworkRecord } from '../../core/model/node.ts'
import type { NetworkSpec } from '../../core/model/service.ts'
import type { Snapshot } from '../model/snapshot.ts'

export interface AddressPool {
  /** `10.128.0.0/9`. */
  readonly pool: string
  /** Prefix length of each network. */
  readonly prefix: number
}

export const DEFAULT_POOL: AddressPool = { pool: '10.128.0.0/9', prefix: 24 }

const VNI_FIRST = 4_096
const VNI_COUNT = 1_000_000

export interface Taken {
  readonly networks: readonly Pick<NetworkRecord, 'name' | 'vni' | 'subnet'>[]
  /** Addresses of hosts, which no network may hide. */
  readonly hosts: readonly string[]
}

/** What no new network may take: the numbers and subnets of the others, and the addresses of hosts. */
export function takenIn({ networks, nodes }: Snapshot): Taken {
  return {
    networks: [...networks.values()].map(({ value }) => value),
    hosts: [...nodes.values()].map(({ value }) => value.lastSeen.address),
  }
}

/**
 * A free VXLAN identifier and subnet. The search starts at a place that depends on the name, so that a network made anew
 * usually gets back what it had, and one just removed is not given to another at once. Throws `SUBNET_TAKEN`, `NO_SUBNET`.
 */
export function allocateNetwork(spec: NetworkSpec, taken: Taken, pool: AddressPool): { vni: number; subnet: string } {
  const seed = Number.parseInt(hashOf(spec.name).slice(0, 8), 16)
  const vnis = new Set(taken.networks.map(network => network.vni))
  const vni = VNI_FIRST + firstFree(VNI_COUNT, seed, offset => !vnis.has(VNI_FIRST + offset))
  return { vni, subnet: spec.subnet === undefined ? freeSubnet(spec, taken, pool, seed) : wantedSubnet(spec, taken) }
}

function freeSubnet(spec: NetworkSpec, taken: Taken, { pool, prefix }: AddressPool, seed: number): string {
  const whole = parseCidr(pool)
  const count = 2 ** (prefix - whole.prefix)
  const size = 2 ** (32 - prefix)
  const used = taken.networks.map(network => parseCidr(network.subnet))
  const hosts = taken.hosts.map(parseIpv4)
  const at = (index: number): Cidr => ({ base: whole.base + index * size, prefix })
  const isFree = (index: number): boolean => {
    const candidate = at(index)
    return !used.some(other => cidrOverlaps(other, candidate)) && !hosts.some(host => cidrContains(candidate, host))
  }
  const index = firstFree(count, seed, isFree)
  if (index < 0) {
    throw conflict(
      'NO_SUBNET',
      `Cannot create network ${spec.name}: all ${count} subnets of ${pool} are taken; remove networks`,
    )
  }
  return formatCidr(at(index))
}

function wantedSubnet(spec: NetworkSpec, taken: Taken): string {
  const wanted = parseCidr(spec.subnet ?? '')
  const text = formatCidr(wanted)
  const other = taken.networks.find(network => cidrOverlaps(parseCidr(network.subnet), wanted))
  if (other !== undefined) {
    throw conflict(
      'SUBNET_TAKEN',
      `Cannot create network ${spec.name}: its subnet ${text} overlaps ${other.subnet} of network ${other.name}; choose another`,
    )
  }
  const host = taken.hosts.find(address => cidrContains(wanted, parseIpv4(address)))
  if (host !== undefined) {
    throw conflict(
      'SUBNET_TAKEN',
      `Cannot create network ${spec.name}: its subnet ${text} holds the host address ${host}`,
    )
  }
  if (cidrSize(wanted) < 8) {
    throw conflict(
      'SUBNET_TAKEN',
      `Cannot create network ${spec.name}: its subnet ${text} is too small; use a /29 or larger`,
    )
  }
  return text
}

/** The first index that is free, counted from `seed` around the ring; -1 if none is. */
function firstFree(count: number, seed: number, isFree: (index: number) => boolean): number {
  for (let step = 0; step < count; step++) {
    const index = (seed + step) % count
    if (isFree(index)) return index
  }
  return -1
}
