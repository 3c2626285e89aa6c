import { closeSync, openSync } from 'node:fs'
import { errorCode, failed, invalidInput } from '../../../core/errors.ts'
import { invariant } from '../../../core/invariant.ts'
import { parseIpNet } from '../../../core/ip.ts'
import {
  allowHairpin,
  createMacvlan,
  createVeth,
  deleteLink,
  findLink,
  isolatePort,
  type Link,
  setLink,
} from '../../linux/net/netlink-links.ts'
import { addAddress, setDefaultRoute } from '../../linux/net/netlink-routes.ts'
import { NetlinkSocket } from '../../linux/net/netlink-socket.ts'
import { insideNetworkNamespace } from '../../linux/process/namespaces.ts'
import { bridgeSettings } from '../networks/bridge-options.ts'
import type { BridgeNetwork, JoinableNetwork, LanNetwork } from '../networks/local-network.ts'
import { writeSysctl } from './bridge-device.ts'
import { readEndpointSysctls, type Sysctl } from './endpoint-sysctls.ts'
import { ensureParent } from './parent-device.ts'
import type { SandboxEndpoint } from './sandbox-record.ts'
import type { WaysOut } from './sandbox-table.ts'

/** Devices in containers. Everything here is synchronous and takes a millisecond or less. */

const LOOPBACK_INDEX = 1
const SYSCTL_NAME = /^net(\.[\w-]+)+$/
const LINK_LOCAL_PREFIX = { 4: 16, 6: 64 } as const

export interface Plug {
  readonly netnsPath: string
  readonly network: JoinableNetwork
  readonly endpoint: SandboxEndpoint
  /** Devices of the namespace speak IPv6 unless they are told not to. */
  readonly speaksIpv6: boolean
  /** The container has published ports, and may call them itself. */
  readonly isPublished: boolean
  /** The container's routes out; this endpoint's are set. */
  readonly ways: WaysOut
}

/** Connects a namespace to a network and gives it its addresses. `inside` is a socket of that namespace. */
export function plugIn(netlink: NetlinkSocket, inside: NetlinkSocket, plug: Plug): void {
  const { network, endpoint } = plug
  if (network.driver === 'bridge') plugIntoBridge(netlink, network, plug)
  else plugIntoLan(netlink, network, plug)
  const device = findLink(inside, endpoint.device)
  invariant(device !== undefined, `device ${endpoint.device} is there once it was made`)
  writeInside(plug.netnsPath, sysctlsOf(plug))
  for (const { address, prefix } of deviceAddresses(network, endpoint)) {
    addAddress(inside, { linkIndex: device.index, address, prefix })
  }
  setLink(inside, device.index, { up: true })
  routeOut(inside, plug.ways, { endpoint, device })
}

function plugIntoBridge(netlink: NetlinkSocket, network: BridgeNetwork, { netnsPath, endpoint, ...plug }: Plug): void {
  const bridge = findLink(netlink, network.bridge)
  if (bridge === undefined) {
    throw failed('BRIDGE_GONE', `Device ${network.bridge} is gone: restart the engine, which makes it anew`)
  }
  const netnsFd = openSync(netnsPath, 'r')
  try {
    const peer = { name: endpoint.device, mac: endpoint.mac, netnsFd }
    const pair = { name: endpoint.hostDevice, master: bridge.index, mtu: network.mtu, peer }
    try {
      createVeth(netlink, pair)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
      // A leftover of the same name is in the way.
      deleteLink(netlink, endpoint.hostDevice)
      createVeth(netlink, pair)
    }
    // Where bridged packets pass the packet filter (br_netfilter), they are translated without ever leaving the bridge.
    if (plug.isPublished) allowHairpin(netlink, endpoint.hostDevice)
    if (!bridgeSettings(network.options).icc) isolatePort(netlink, endpoint.hostDevice)
  } finally {
    closeSync(netnsFd)
  }
}

function plugIntoLan(netlink: NetlinkSocket, network: LanNetwork, { netnsPath, endpoint }: Plug): void {
  const parent = network.ownsParent === true ? ensureParent(netlink, network) : findLink(netlink, network.parent)
  if (parent === undefined) {
    throw failed(
      'PARENT_GONE',
      `Device ${network.parent}, which network ${network.name} stands on, is gone: bring it back`,
    )
  }
  const netnsFd = openSync(netnsPath, 'r')
  try {
    createMacvlan(netlink, {
      mode: network.mode,
      name: endpoint.device,
      parent: parent.index,
      mtu: Math.min(network.mtu, parent.mtu),
      mac: endpoint.mac,
      netnsFd,
    })
  } finally {
    closeSync(netnsFd)
  }
}

function deviceAddresses(network: JoinableNetwork, { address, address6, config }: SandboxEndpoint) {
  const of = (text: string, subnet: string) => ({ address: text, prefix: parseIpNet(subnet).prefix })
  const linkLocal = (config.IPAMConfig?.LinkLocalIPs ?? []).map(text => ({
    address: text,
    prefix: LINK_LOCAL_PREFIX[text.includes(':') ? 6 : 4],
  }))
  const ipv6 = address6 === undefined || network.ipv6 === undefined ? [] : [of(address6, network.ipv6.subnet)]
  return [of(address, network.subnet), ...linkLocal.filter(({ prefix }) => ipv6.length > 0 || prefix === 16), ...ipv6]
}

/** Where the device is not what the namespace makes of it by itself, and what the container asked for. */
function sysctlsOf({ network, endpoint, speaksIpv6 }: Plug): Sysctl[] {
  const wanted = network.ipv6 !== undefined
  const path = `net/ipv6/conf/${endpoint.device}/disable_ipv6`
  const ipv6 = wanted === speaksIpv6 ? [] : [{ path, value: wanted ? '0' : '1' }]
  return [...ipv6, ...readEndpointSysctls(endpoint.config.DriverOpts ?? {}, endpoint.device)]
}

function writeInside(netnsPath: string, sysctls: readonly Sysctl[]): void {
  if (sysctls.length === 0) return
  insideNetworkNamespace(netnsPath, () => {
    for (const { path, value } of sysctls) writeSysctl(path, value)
  })
}

/** Sets the default routes that go through this endpoint. */
export function routeOut(
  inside: NetlinkSocket,
  { ipv4, ipv6 }: WaysOut,
  { endpoint, device }: { readonly endpoint: SandboxEndpoint; readonly device: Link },
): void {
  const isThis = (way: WaysOut['ipv4']): boolean => way?.endpoint.endpointId === endpoint.endpointId
  for (const family of [4, 6] as const) {
    const way = family === 4 ? ipv4 : ipv6
    if (way === undefined || !isThis(way)) continue
    setDefaultRoute(inside, family === 4 ? way.network.gateway : (way.network.ipv6?.gateway ?? ''), device.index)
  }
}

/** What every fresh namespace needs; to be called inside of it. Returns a socket of the namespace. */
export function prepareNamespace(
  sysctls: Readonly<Record<string, string>>,
  { speaksIpv6 }: { readonly speaksIpv6: boolean },
): NetlinkSocket {
  const inside = new NetlinkSocket()
  try {
    setUpIpv6(speaksIpv6)
    setLink(inside, LOOPBACK_INDEX, { up: true })
    for (const [name, value] of Object.entries(sysctls)) {
      if (!name.startsWith('net.')) continue
      if (!SYSCTL_NAME.test(name)) throw invalidInput('BAD_SYSCTL', `sysctl '${name}' is not a kernel parameter`)
      writeSysctl(name.replaceAll('.', '/'), value)
    }
    return inside
  } catch (error) {
    inside.close()
    throw error
  }
}

/** Nobody on a network tells a container its routes; without IPv6 networks it has none, not even of its own. */
function setUpIpv6(speaksIpv6: boolean): void {
  try {
    if (speaksIpv6) writeSysctl('net/ipv6/conf/default/accept_ra', '0')
    else for (const scope of ['all', 'default']) writeSysctl(`net/ipv6/conf/${scope}/disable_ipv6`, '1')
  } catch (error) {
    // A kernel without IPv6 needs none of it.
    if (speaksIpv6) throw error
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
