import { writeFileSync } from 'node:fs'
import { failed, ShoalError } from '../../../core/errors.ts'
import { invariant } from '../../../core/invariant.ts'
import { parseIpNet } from '../../../core/ip.ts'
import { createBridge, deleteLink, findLink, isBridge, type Link, setLink } from '../../linux/net/netlink-links.ts'
import { addAddress } from '../../linux/net/netlink-routes.ts'
import type { NetlinkSocket } from '../../linux/net/netlink-socket.ts'
import { macOf } from '../networks/address-pool.ts'
import { bridgeSettings } from '../networks/bridge-options.ts'
import type { BridgeNetwork } from '../networks/local-network.ts'
import { type BridgeOwner, claimBridge, isOursOrFree, releaseBridge } from './bridge-owner.ts'

const SYSCTL_ROOT = '/proc/sys'

/** Writes `net/ipv4/ip_forward`-style names of the namespace the thread is in. Throws SYSCTL_FAILED. */
export function writeSysctl(name: string, value: string): void {
  try {
    writeFileSync(`${SYSCTL_ROOT}/${name}`, value)
  } catch (cause) {
    throw failed('SYSCTL_FAILED', `Cannot set kernel parameter ${name.replaceAll('/', '.')} to ${value}`, { cause })
  }
}

/** Makes the network's bridge, or brings one that exists to the wanted state. Throws NOT_A_BRIDGE and BRIDGE_TAKEN. */
export function ensureBridge(netlink: NetlinkSocket, network: BridgeNetwork, owner: BridgeOwner): Link {
  const { bridge, gateway, subnet, ipv6, mtu } = network
  const existing = findLink(netlink, bridge)
  if (existing !== undefined && !isBridge(existing)) {
    throw new ShoalError('NOT_A_BRIDGE', 400, `existing interface ${bridge} is not a bridge`)
  }
  if (existing === undefined) createBridge(netlink, bridge, { mac: macOf(gateway), mtu })
  const link = findLink(netlink, bridge)
  invariant(link !== undefined, `bridge ${bridge} is there once it was made`)
  claimBridge(netlink, link, owner)
  setIpv6(link, { isOurs: network.ownsBridge !== false, wanted: ipv6 !== undefined })
  if (bridgeSettings(network.options).hasGatewayAddress) {
    addAddress(netlink, { linkIndex: link.index, address: gateway, prefix: parseIpNet(subnet).prefix })
  }
  if (ipv6 !== undefined) {
    addAddress(netlink, { linkIndex: link.index, address: ipv6.gateway, prefix: parseIpNet(ipv6.subnet).prefix })
  }
  setLink(netlink, link.index, { up: true })
  // Published ports answer on 127.0.0.1 too.
  writeSysctl(`net/ipv4/conf/${bridge}/route_localnet`, '1')
  return link
}

/** The host must not take a route from a container, and without IPv6 has no business with containers over it. */
function setIpv6({ name }: Link, { isOurs, wanted }: { isOurs: boolean; wanted: boolean }): void {
  if (wanted) enableIpv6Forwarding()
  try {
    if (isOurs || wanted) writeSysctl(`net/ipv6/conf/${name}/disable_ipv6`, wanted ? '0' : '1')
    if (isOurs) writeSysctl(`net/ipv6/conf/${name}/accept_ra`, '0')
  } catch (error) {
    // A kernel without IPv6 needs none of it.
    if (wanted) throw error
  }
}

/** As dockerd does with the first network that has IPv6. */
function enableIpv6Forwarding(): void {
  for (const scope of ['default', 'all']) writeSysctl(`net/ipv6/conf/${scope}/forwarding`, '1')
}

/** Deletes the network's bridge if it was made for it, and is not another engine's by now. */
export function removeBridge(netlink: NetlinkSocket, network: BridgeNetwork, owner: BridgeOwner): void {
  const link = findLink(netlink, network.bridge)
  if (link === undefined || !isOursOrFree(link, owner)) return
  if (network.ownsBridge !== false) deleteLink(netlink, network.bridge)
  else releaseBridge(netlink, link, owner)
}
