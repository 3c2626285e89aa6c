import { errorCode } from '../../../core/errors.ts'
import {
  attribute,
  decodeAttributes,
  decodeMac,
  decodeText,
  encodeBe16,
  encodeIpv4,
  encodeMac,
  encodeText,
  encodeU8,
  encodeU16,
  encodeU32,
  NLM_F,
} from './netlink-codec.ts'
import type { NetlinkSocket } from './netlink-socket.ts'

/** Network devices: what `ip link` does. Numbers are those of linux/if_link.h. */

const RTM = { newLink: 16, delLink: 17, getLink: 18 } as const
const IFLA = { address: 1, ifname: 3, mtu: 4, link: 5, master: 10, linkInfo: 18, ifAlias: 20, netNsFd: 28 } as const
const INFO = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const
const VETH_PEER = 1
const VXLAN = { id: 1, local: 4, learning: 7, port: 15 } as const
const BRPORT = { hairpin: 4, neighSuppress: 32, isolated: 33 } as const
const MACVLAN_MODE = 1
const VLAN_ID = 1
const IFF_UP = 1
const CREATE = NLM_F.create | NLM_F.excl

export interface Link {
  readonly index: number
  readonly name: string
  readonly mac: string
  readonly mtu: number
  readonly up: boolean
  /** Index of the bridge it is a port of. */
  readonly master?: number
  readonly alias?: string
  /** `bridge`, `veth`; absent: a device of the machine's. */
  readonly kind?: string
}

function linkHeader({ index = 0, up = false }: { index?: number; up?: boolean }): Buffer {
  const header = Buffer.alloc(16)
  header.writeInt32LE(index, 4)
  header.writeUInt32LE(up ? IFF_UP : 0, 8)
  header.writeUInt32LE(up ? IFF_UP : 0, 12)
  return header
}

function decodeLink(payload: Buffer): Link {
  const attributes = decodeAttributes(payload.subarray(16))
  const master = attributes.get(IFLA.master)
  const alias = attributes.get(IFLA.ifAlias)
  const info = attributes.get(IFLA.linkInfo)
  const kind = info === undefined ? undefined : decodeAttributes(info).get(INFO.kind)
  return {
    index: payload.readInt32LE(4),
    name: decodeText(attributes.get(IFLA.ifname) ?? Buffer.alloc(0)),
    mac: decodeMac(attributes.get(IFLA.address) ?? Buffer.alloc(0)),
    mtu: attributes.get(IFLA.mtu)?.readUInt32LE() ?? 0,
    up: (payload.readUInt32LE(8) & IFF_UP) !== 0,
    ...(master === undefined ? {} : { master: master.readUInt32LE() }),
    ...(alias === undefined ? {} : { alias: decodeText(alias) }),
    ...(kind === undefined ? {} : { kind: decodeText(kind) }),
  }
}

export function isBridge({ kind }: Link): boolean {
  return kind === 'bridge'
}

/** The device of that name, or undefined. */
export function findLink(netlink: NetlinkSocket, name: string): Link | undefined {
  try {
    const payload = Buffer.concat([linkHeader({}), attribute(IFLA.ifname, encodeText(name))])
    return netlink.query({ type: RTM.getLink, payload, what: `find device ${name}` }).map(decodeLink)[0]
  } catch (error) {
    if (errorCode(error) === 'ENODEV') return undefined
    throw error
  }
}

export function listLinks(netlink: NetlinkSocket): Link[] {
  return netlink
    .query({ type: RTM.getLink, flags: NLM_F.dump, payload: linkHeader({}), what: 'list devices' })
    .map(decodeLink)
}

export interface LinkChange {
  readonly up?: boolean
  readonly mac?: string
  readonly mtu?: number
  readonly master?: number
  readonly alias?: string
}

function linkAttributes({ mac, mtu, master, alias }: LinkChange): Buffer[] {
  return [
    ...(mac === undefined ? [] : [attribute(IFLA.address, encodeMac(mac))]),
    ...(mtu === undefined ? [] : [attribute(IFLA.mtu, encodeU32(mtu))]),
    ...(master === undefined ? [] : [attribute(IFLA.master, encodeU32(master))]),
    ...(alias === undefined ? [] : [attribute(IFLA.ifAlias, Buffer.from(alias))]),
  ]
}

export function setLink(netlink: NetlinkSocket, index: number, change: LinkChange): void {
  const payload = Buffer.concat([linkHeader({ index, up: change.up ?? false }), ...linkAttributes(change)])
  netlink.change({ type: RTM.newLink, payload, what: `set device ${index}` })
}

/** A bridge, up. Throws EEXIST. */
export function createBridge(netlink: NetlinkSocket, name: string, options: Omit<LinkChange, 'up' | 'alias'>): void {
  const payload = Buffer.concat([
    linkHeader({ up: true }),
    attribute(IFLA.ifname, encodeText(name)),
    ...linkAttributes(options),
    attribute(IFLA.linkInfo, [attribute(INFO.kind, Buffer.from('bridge'))]),
  ])
  netlink.change({ type: RTM.newLink, flags: CREATE, payload, what: `create bridge ${name}` })
}

export interface VethPair {
  readonly name: string
  readonly master: number
  readonly mtu: number
  readonly peer: { readonly name: string; readonly mac: string; readonly netnsFd: number }
}

/**
 * A cable between a bridge and another network namespace. Our end is up; the far one is not (the kernel refuses it while
 * the pair is being made) and is set up from within its namespace.
 */
export function createVeth(netlink: NetlinkSocket, { name, master, mtu, peer }: VethPair): void {
  const far = [
    linkHeader({}),
    attribute(IFLA.ifname, encodeText(peer.name)),
    attribute(IFLA.netNsFd, encodeU32(peer.netnsFd)),
    ...linkAttributes({ mac: peer.mac, mtu }),
  ]
  const payload = Buffer.concat([
    linkHeader({ up: true }),
    attribute(IFLA.ifname, encodeText(name)),
    ...linkAttributes({ mtu, master }),
    attribute(IFLA.linkInfo, [
      attribute(INFO.kind, Buffer.from('veth')),
      attribute(INFO.data, [attribute(VETH_PEER, far)]),
    ]),
  ])
  netlink.change({ type: RTM.newLink, flags: CREATE, payload, what: `create veth ${name}` })
}

export interface VxlanDevice {
  readonly name: string
  readonly alias: string
  readonly vni: number
  readonly port: number
  /** Source address of the packets. */
  readonly local: string
  readonly mtu: number
  readonly master: number
}

/**
 * A VXLAN device as port of a bridge, up, that learns nothing by itself: where addresses are is told to it. ARP requests
 * that the host can answer are answered instead of being sent to every other host.
 */
export function createVxlan(netlink: NetlinkSocket, device: VxlanDevice): void {
  const { name, alias, vni, port, local, mtu, master } = device
  const payload = Buffer.concat([
    linkHeader({ up: true }),
    attribute(IFLA.ifname, encodeText(name)),
    ...linkAttributes({ mtu, master }),
    attribute(IFLA.linkInfo, [
      attribute(INFO.kind, Buffer.from('vxlan')),
      attribute(INFO.data, [
        attribute(VXLAN.id, encodeU32(vni)),
        attribute(VXLAN.local, encodeIpv4(local)),
        attribute(VXLAN.learning, encodeU8(0)),
        attribute(VXLAN.port, encodeBe16(port)),
      ]),
    ]),
  ])
  netlink.change({ type: RTM.newLink, flags: CREATE, payload, what: `create vxlan ${name}` })
  const made = findLink(netlink, name)
  if (made === undefined) return
  setLink(netlink, made.index, { up: true, alias })
  setPortFlag(netlink, name, BRPORT.neighSuppress)
}

function setPortFlag(netlink: NetlinkSocket, name: string, flag: number): void {
  const payload = Buffer.concat([
    linkHeader({}),
    attribute(IFLA.ifname, encodeText(name)),
    attribute(IFLA.linkInfo, [
      attribute(INFO.slaveKind, Buffer.from('bridge')),
      attribute(INFO.slaveData, [attribute(flag, encodeU8(1))]),
    ]),
  ])
  netlink.change({ type: RTM.newLink, payload, what: `set port ${name} of its bridge` })
}

/** Lets a bridge send a frame back where it came from: to a container that calls its own published port. */
export function allowHairpin(netlink: NetlinkSocket, port: string): void {
  setPortFlag(netlink, port, BRPORT.hairpin)
}

/** Keeps a container from speaking to others of its bridge; with the host and beyond it does. */
export function isolatePort(netlink: NetlinkSocket, port: string): void {
  setPortFlag(netlink, port, BRPORT.isolated)
}

/** A device for the frames of one VLAN on another device (`ip link add link eth0 name eth0.50 type vlan id 50`). */
export function createVlan(
  netlink: NetlinkSocket,
  { name, master, vlan }: { readonly name: string; readonly master: number; readonly vlan: number },
): void {
  const payload = Buffer.concat([
    linkHeader({}),
    attribute(IFLA.ifname, encodeText(name)),
    attribute(IFLA.link, encodeU32(master)),
    attribute(IFLA.linkInfo, [
      attribute(INFO.kind, Buffer.from('vlan')),
      attribute(INFO.data, [attribute(VLAN_ID, encodeU16(vlan))]),
    ]),
  ])
  netlink.change({ type: RTM.newLink, flags: CREATE, payload, what: `create vlan ${name}` })
}

const MACVLAN_MODES: Readonly<Record<string, number>> = { private: 1, vepa: 2, bridge: 4, passthru: 8 }

export interface MacvlanDevice {
  /** `bridge`, `private`, `vepa` or `passthru`. */
  readonly mode: string
  readonly name: string
  /** Index of the host's device it stands on. */
  readonly parent: number
  readonly mtu: number
  readonly mac: string
  readonly netnsFd: number
}

/** A device in another network namespace that stands on one of the host's. Throws EBUSY if that is in use otherwise. */
export function createMacvlan(netlink: NetlinkSocket, device: MacvlanDevice): void {
  const { mode, name, parent, mtu, mac, netnsFd } = device
  const payload = Buffer.concat([
    linkHeader({}),
    attribute(IFLA.ifname, encodeText(name)),
    attribute(IFLA.link, encodeU32(parent)),
    attribute(IFLA.netNsFd, encodeU32(netnsFd)),
    ...linkAttributes({ mtu, mac }),
    attribute(IFLA.linkInfo, [
      attribute(INFO.kind, Buffer.from('macvlan')),
      attribute(INFO.data, [attribute(MACVLAN_MODE, encodeU32(MACVLAN_MODES[mode] ?? 0))]),
    ]),
  ])
  netlink.change({ type: RTM.newLink, flags: CREATE, payload, what: `create macvlan ${name}` })
}

/** Deletes a device; one that is gone is fine. */
export function deleteLink(netlink: NetlinkSocket, name: string): void {
  try {
    const payload = Buffer.concat([linkHeader({}), attribute(IFLA.ifname, encodeText(name))])
    netlink.change({ type: RTM.delLink, payload, what: `delete device ${name}` })
  } catch (error) {
    if (errorCode(error) !== 'ENODEV') throw error
  }
}
