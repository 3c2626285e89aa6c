import { closeSync, openSync, writeFileSync } from 'node:fs'
import { parseCidr } from '../../../core/cidr.ts'
import { failed } from '../../../core/errors.ts'
import { invariant } from '../../../core/invariant.ts'
import { insideNetworkNamespace } from '../../linux/namespaces.ts'
import {
  allowHairpin,
  createBridge,
  createVeth,
  deleteLink,
  findLink,
  type Link,
  setLink,
} from '../../linux/netlink-links.ts'
import { addAddress, setDefaultRoute } from '../../linux/netlink-routes.ts'
import { NetlinkSocket } from '../../linux/netlink-socket.ts'
import { macOf } from '../networks/address-pool.ts'
import type { BridgeNetwork } from '../networks/local-network.ts'

/** Devices on the host and in containers. Everything here is synchronous and takes a millisecond or less. */

const LOOPBACK_INDEX = 1
const SYSCTL_ROOT = '/proc/sys'

/** Writes `net.ipv4.ip_forward`-style names of the namespace the thread is in. Throws SYSCTL_FAILED. */
export function writeSysctl(name: string, value: string): void {
  try {
    writeFileSync(`${SYSCTL_ROOT}/${name}`, value)
  } catch (cause) {
    throw failed('SYSCTL_FAILED', `Cannot set kernel parameter ${name.replaceAll('/', '.')} to ${value}`, { cause })
  }
}

/** Makes the network's bridge, or brings one that exists to the wanted state. */
export function ensureBridge(netlink: NetlinkSocket, network: BridgeNetwork): Link {
  const { bridge, gateway, subnet, mtu } = network
  const existing = findLink(netlink, bridge)
  if (existing === undefined) createBridge(netlink, bridge, { mac: macOf(gateway), mtu })
  const link = findLink(netlink, bridge)
  invariant(link !== undefined, `bridge ${bridge} is there once it was made`)
  addAddress(netlink, { linkIndex: link.index, address: gateway, prefix: parseCidr(subnet).prefix })
  setLink(netlink, link.index, { up: true })
  // Published ports answer on 127.0.0.1 too.
  writeSysctl(`net/ipv4/conf/${bridge}/route_localnet`, '1')
  return link
}

export interface Plug {
  readonly netnsPath: string
  readonly bridge: string
  readonly mtu: number
  readonly hostDevice: string
  readonly device: string
  readonly mac: string
  readonly address: string
  readonly prefix: number
  /** It has published ports, and may call them itself. */
  readonly isPublished: boolean
  /** Absent: no way out through this device. */
  readonly gateway?: string
}

/** Connects a namespace to a bridge and gives it its address. `inside` is a socket of that namespace. */
export function plugIn(netlink: NetlinkSocket, inside: NetlinkSocket, plug: Plug): void {
  const bridge = findLink(netlink, plug.bridge)
  if (bridge === undefined) {
    throw failed('BRIDGE_GONE', `Device ${plug.bridge} is gone: restart the engine, which makes it anew`)
  }
  const netnsFd = openSync(plug.netnsPath, 'r')
  try {
    const peer = { name: plug.device, mac: plug.mac, netnsFd }
    // A leftover of the same name would be in the way.
    deleteLink(netlink, plug.hostDevice)
    createVeth(netlink, { name: plug.hostDevice, master: bridge.index, mtu: plug.mtu, peer })
    // Where bridged packets pass the packet filter (br_netfilter), they are translated without ever leaving the bridge.
    if (plug.isPublished) allowHairpin(netlink, plug.hostDevice)
  } finally {
    closeSync(netnsFd)
  }
  const device = findLink(inside, plug.device)
  invariant(device !== undefined, `device ${plug.device} is there once it was made`)
  addAddress(inside, { linkIndex: device.index, address: plug.address, prefix: plug.prefix })
  setLink(inside, device.index, { up: true })
  if (plug.gateway !== undefined) setDefaultRoute(inside, plug.gateway, device.index)
}

/** What every fresh namespace needs; to be called inside of it. Returns a socket of the namespace. */
export function prepareNamespace(sysctls: Readonly<Record<string, string>>): NetlinkSocket {
  const inside = new NetlinkSocket()
  try {
    setLink(inside, LOOPBACK_INDEX, { up: true })
    for (const [name, value] of Object.entries(sysctls)) {
      if (name.startsWith('net.')) writeSysctl(name.replaceAll('.', '/'), value)
    }
    return inside
  } catch (error) {
    inside.close()
    throw error
  }
}

/** Calls `act` with a routing socket of the namespace. */
export function withNetlinkInside<T>(netnsPath: string, act: (inside: NetlinkSocket) => T): T {
  const inside = insideNetworkNamespace(netnsPath, () => new NetlinkSocket())
  try {
    return act(inside)
  } finally {
    inside.close()
  }
}
