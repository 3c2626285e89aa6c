import { errorCode, errorMessage, failed, invalidInput } from '../../../core/errors.ts'
import { createVlan, deleteLink, findLink, type Link, setLink } from '../../linux/net/netlink-links.ts'
import type { NetlinkSocket } from '../../linux/net/netlink-socket.ts'
import { readVlanParent } from '../networks/lan-options.ts'
import type { LanNetwork, LocalNetwork } from '../networks/local-network.ts'

/** Devices that networks beside the host stand on. One that is named `eth0.50` is made where there is an eth0. */

/**
 * The device of a network, made if it is not there. Throws what dockerd says when it cannot be made: 400 when the host has
 * not what the name asks for.
 */
export function ensureParent(netlink: NetlinkSocket, { parent }: Pick<LanNetwork, 'parent'>): Link {
  const found = findLink(netlink, parent)
  if (found !== undefined) return found
  const { master, vlan } = readVlanParent(parent)
  const on = findLink(netlink, master)
  if (on === undefined) {
    throw invalidInput('NO_PARENT', `failed to find master interface ${master} on the Docker host: Link not found`)
  }
  try {
    createVlan(netlink, { name: parent, master: on.index, vlan })
  } catch (cause) {
    const hint = ['ENOTSUP', 'EOPNOTSUPP'].includes(errorCode(cause) ?? '') ? ': load the module 8021q' : ''
    throw failed('NO_VLAN', `failed to create ${parent} vlan link: ${errorMessage(cause)}${hint}`, { cause })
  }
  const made = findLink(netlink, parent)
  if (made === undefined) throw failed('NO_VLAN', `failed to create ${parent} vlan link: it is not there`)
  setLink(netlink, made.index, { up: true })
  return made
}

/** Whether a new network's device goes with the last network on it: it was not there before the first. */
export function isOwnParent(netlink: NetlinkSocket, network: LanNetwork, existing: readonly LocalNetwork[]): boolean {
  const neighbour = neighbours(network, existing)[0]
  return neighbour === undefined ? findLink(netlink, network.parent) === undefined : neighbour.ownsParent === true
}

/** Deletes the device of a network that goes, unless it was there before, or others stand on it. */
export function removeParent(netlink: NetlinkSocket, network: LanNetwork, existing: readonly LocalNetwork[]): void {
  if (network.ownsParent === true && neighbours(network, existing).length === 0) deleteLink(netlink, network.parent)
}

function neighbours({ id, parent }: LanNetwork, existing: readonly LocalNetwork[]): LanNetwork[] {
  return existing
    .filter(other => other.driver === 'macvlan')
    .filter(other => other.id !== id && other.parent === parent)
}
