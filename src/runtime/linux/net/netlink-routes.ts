import { errorCode } from '../../../core/errors.ts'
import { type IpFamily, parseIp } from '../../../core/ip.ts'
import {
  attribute,
  decodeAttributes,
  decodeIp,
  encodeIp,
  encodeIpv4,
  encodeMac,
  encodeU32,
  NLM_F,
} from './netlink-codec.ts'
import type { NetlinkSocket } from './netlink-socket.ts'

/** Addresses, routes and neighbours: what `ip address`, `ip route`, `ip neigh` and `bridge fdb` do. Neighbours are IPv4 only. */

const RTM = { newAddr: 20, getAddr: 22, newRoute: 24, delRoute: 25, getRoute: 26, newNeigh: 28, delNeigh: 29 } as const
const AF_INET = 2
const AF = { 4: AF_INET, 6: 10 } as const
const AF_BRIDGE = 7
const IFA = { address: 1, local: 2, flags: 8 } as const
const IFA_F_NODAD = 2
const RTA = { dst: 1, oif: 4, gateway: 5 } as const
const NDA = { dst: 1, lladdr: 2 } as const
const NUD = { permanent: 0x80, noArp: 0x40 } as const
const NTF = { self: 2, master: 4 } as const
const TABLE_MAIN = 254
const PROTOCOL_BOOT = 3
const TYPE_UNICAST = 1

export interface InterfaceAddress {
  readonly linkIndex: number
  readonly address: string
  readonly prefix: number
}

/** An IPv6 address is usable at once: nobody else is asked whether he has it, for it is we who give addresses. */
function addressMessage({ linkIndex, address, prefix }: InterfaceAddress): Buffer {
  const { family } = parseIp(address)
  const header = Buffer.from([AF[family], prefix, 0, 0])
  const bytes = encodeIp(address)
  const own = family === 4 ? attribute(IFA.local, bytes) : attribute(IFA.flags, encodeU32(IFA_F_NODAD))
  return Buffer.concat([header, encodeU32(linkIndex), own, attribute(IFA.address, bytes)])
}

/** Gives a device an address; one that is there is fine. */
export function addAddress(netlink: NetlinkSocket, address: InterfaceAddress): void {
  netlink.change({
    type: RTM.newAddr,
    flags: NLM_F.create | NLM_F.replace,
    payload: addressMessage(address),
    what: `add address ${address.address}/${address.prefix}`,
  })
}

export function listAddresses(netlink: NetlinkSocket, family: IpFamily = 4): InterfaceAddress[] {
  const payload = Buffer.from([AF[family], 0, 0, 0, 0, 0, 0, 0])
  return netlink.query({ type: RTM.getAddr, flags: NLM_F.dump, payload, what: 'list addresses' }).flatMap(answer => {
    const attributes = decodeAttributes(answer.subarray(8))
    const local = attributes.get(IFA.local) ?? attributes.get(IFA.address)
    if (local === undefined || answer.readUInt8(0) !== AF[family]) return []
    return [{ linkIndex: answer.readUInt32LE(4), address: decodeIp(local), prefix: answer.readUInt8(1) }]
  })
}

function routeHeader(family: IpFamily): Buffer {
  return Buffer.from([AF[family], 0, 0, 0, TABLE_MAIN, PROTOCOL_BOOT, 0, TYPE_UNICAST, 0, 0, 0, 0])
}

/** The default route of the gateway's family; replaces another one. */
export function setDefaultRoute(netlink: NetlinkSocket, gateway: string, linkIndex: number): void {
  const payload = Buffer.concat([
    routeHeader(parseIp(gateway).family),
    attribute(RTA.gateway, encodeIp(gateway)),
    attribute(RTA.oif, encodeU32(linkIndex)),
  ])
  netlink.change({
    type: RTM.newRoute,
    flags: NLM_F.create | NLM_F.replace,
    payload,
    what: `set default route via ${gateway}`,
  })
}

/** Takes the default route of a family away; none is fine. */
export function deleteDefaultRoute(netlink: NetlinkSocket, family: IpFamily): void {
  try {
    netlink.change({ type: RTM.delRoute, payload: routeHeader(family), what: 'delete the default route' })
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error
  }
}

/** Networks (`10.0.0.0/8`) the main table has routes to, the default route left out. */
export function listRoutedNetworks(netlink: NetlinkSocket, family: IpFamily = 4): string[] {
  return netlink
    .query({ type: RTM.getRoute, flags: NLM_F.dump, payload: routeHeader(family), what: 'list routes' })
    .flatMap(answer => {
      const dst = decodeAttributes(answer.subarray(12)).get(RTA.dst)
      const prefix = answer.readUInt8(1)
      if (answer.readUInt8(0) !== AF[family] || answer.readUInt8(4) !== TABLE_MAIN || dst === undefined) return []
      return [`${decodeIp(dst)}/${prefix}`]
    })
}

/** What is told to the kernel about another station: ARP answers and where a MAC address is. */
export type Neighbour =
  | { readonly kind: 'arp'; readonly linkIndex: number; readonly address: string; readonly mac: string }
  /** Behind a VXLAN device: packets to `mac` go to the host `remote`. All zero: packets nobody else takes. */
  | { readonly kind: 'vxlan'; readonly linkIndex: number; readonly mac: string; readonly remote: string }
  /** In a bridge: `mac` is behind the port `linkIndex`. */
  | { readonly kind: 'bridge'; readonly linkIndex: number; readonly mac: string }

export const FLOOD_MAC = '00:00:00:00:00:00'

function neighbourMessage(neighbour: Neighbour): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt8(neighbour.kind === 'arp' ? AF_INET : AF_BRIDGE, 0)
  header.writeInt32LE(neighbour.linkIndex, 4)
  header.writeUInt16LE(neighbour.kind === 'arp' ? NUD.permanent : NUD.permanent | NUD.noArp, 8)
  if (neighbour.kind === 'bridge') header.writeUInt16LE(NUD.noArp, 8)
  header.writeUInt8(neighbour.kind === 'arp' ? 0 : neighbour.kind === 'vxlan' ? NTF.self : NTF.master, 10)
  const mac = attribute(NDA.lladdr, encodeMac(neighbour.mac))
  switch (neighbour.kind) {
    case 'arp':
      return Buffer.concat([header, attribute(NDA.dst, encodeIpv4(neighbour.address)), mac])
    case 'vxlan':
      return Buffer.concat([header, attribute(NDA.dst, encodeIpv4(neighbour.remote)), mac])
    case 'bridge':
      return Buffer.concat([header, mac])
  }
}

const describe = (neighbour: Neighbour): string =>
  `${neighbour.kind} entry for ${neighbour.kind === 'arp' ? neighbour.address : neighbour.mac}`

/** Adds an entry, replacing what was known about the station; flood entries stand beside each other. */
export function addNeighbour(netlink: NetlinkSocket, neighbour: Neighbour): void {
  const floods = neighbour.kind === 'vxlan' && neighbour.mac === FLOOD_MAC
  try {
    netlink.change({
      type: RTM.newNeigh,
      flags: NLM_F.create | (floods ? NLM_F.append : NLM_F.replace),
      payload: neighbourMessage(neighbour),
      what: `add ${describe(neighbour)}`,
    })
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
}

/** Removes an entry; one that is gone, or whose device is, is fine. */
export function removeNeighbour(netlink: NetlinkSocket, neighbour: Neighbour): void {
  try {
    netlink.change({
      type: RTM.delNeigh,
      payload: neighbourMessage(neighbour),
      what: `remove ${describe(neighbour)}`,
    })
  } catch (error) {
    if (!['ENOENT', 'ENODEV', 'EINVAL'].includes(errorCode(error) ?? '')) throw error
  }
}
