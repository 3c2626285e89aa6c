import type { EndpointRecord } from '../../core/model/node.ts'
import { FLOOD_MAC, type Neighbour } from '../../runtime/linux/net/netlink-routes.ts'

export interface NeighbourInput {
  readonly endpoints: readonly EndpointRecord[]
  readonly node: string
  readonly bridgeIndex: number
  readonly vxlanIndex: number
}

/**
 * What the kernel must be told of a network's stations on other hosts: behind which host each MAC address is, the ARP
 * answer for each address, and the hosts that get what is for everyone. The last covers stations not heard of yet.
 */
export function planNeighbours({ endpoints, node, bridgeIndex, vxlanIndex }: NeighbourInput): Map<string, Neighbour> {
  const planned = new Map<string, Neighbour>()
  const plan = (neighbour: Neighbour): void => void planned.set(neighbourKey(neighbour), neighbour)
  for (const { node: owner, kind, address, mac, hostAddress } of endpoints) {
    if (owner === node) continue
    if (kind === 'gateway') plan({ kind: 'vxlan', linkIndex: vxlanIndex, mac: FLOOD_MAC, remote: hostAddress })
    plan({ kind: 'vxlan', linkIndex: vxlanIndex, mac, remote: hostAddress })
    plan({ kind: 'bridge', linkIndex: vxlanIndex, mac })
    plan({ kind: 'arp', linkIndex: bridgeIndex, address, mac })
  }
  return planned
}

/** Entries with one key replace each other; flood entries stand side by side. */
function neighbourKey(neighbour: Neighbour): string {
  const { kind, linkIndex } = neighbour
  const station = neighbour.kind === 'arp' ? neighbour.address : neighbour.mac
  return neighbour.kind === 'vxlan' && neighbour.mac === FLOOD_MAC
    ? `${kind}/${linkIndex}/${station}/${neighbour.remote}`
    : `${kind}/${linkIndex}/${station}`
}

export interface NeighbourChange {
  readonly remove: readonly Neighbour[]
  readonly add: readonly Neighbour[]
}

export function diffNeighbours(
  before: ReadonlyMap<string, Neighbour>,
  after: ReadonlyMap<string, Neighbour>,
): NeighbourChange {
  const differs = (key: string, neighbour: Neighbour): boolean =>
    JSON.stringify(before.get(key)) !== JSON.stringify(neighbour)
  return {
    remove: [...before].filter(([key]) => !after.has(key)).map(([, neighbour]) => neighbour),
    add: [...after].filter(([key, neighbour]) => differs(key, neighbour)).map(([, neighbour]) => neighbour),
  }
}
