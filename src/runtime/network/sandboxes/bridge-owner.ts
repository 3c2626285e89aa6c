import { join } from 'node:path'
import { conflict } from '../../../core/errors.ts'
import { lockHolder } from '../../linux/files/file-lock.ts'
import { type Link, listLinks, setLink } from '../../linux/net/netlink-links.ts'
import type { NetlinkSocket } from '../../linux/net/netlink-socket.ts'

/** The engine that a bridge is used by. */
export interface BridgeOwner {
  readonly dataRoot: string
  /** Begins the names of its containers' devices. */
  readonly devicePrefix: string
}

const MARK = 'shoal engine of '
/** IFALIASZ of linux/if.h, less the byte that ends it. */
const ALIAS_BYTES_MAX = 255

/**
 * Writes down, at the bridge itself, which engine uses it: addresses are given out by one alone. An alias of somebody
 * else's is left as it is.
 *
 * Throws BRIDGE_TAKEN while another engine runs, or containers are there that it left behind.
 */
export function claimBridge(netlink: NetlinkSocket, bridge: Link, own: BridgeOwner): void {
  const alias = bridge.alias ?? ''
  const mark = markOf(own)
  if (alias === mark || (alias !== '' && !alias.startsWith(MARK))) return
  if (alias !== '') refuseTaken(netlink, bridge, { own, dataRoot: alias.slice(MARK.length) })
  setLink(netlink, bridge.index, { up: bridge.up, alias: mark })
}

/** Lets a bridge go that stays. */
export function releaseBridge(netlink: NetlinkSocket, bridge: Link, own: BridgeOwner): void {
  if (bridge.alias === markOf(own)) setLink(netlink, bridge.index, { up: bridge.up, alias: '' })
}

/** Whether the bridge is nobody's or this engine's. */
export function isOursOrFree({ alias = '' }: Link, own: BridgeOwner): boolean {
  return !alias.startsWith(MARK) || alias === markOf(own)
}

function markOf({ dataRoot }: BridgeOwner): string {
  return Buffer.from(`${MARK}${dataRoot}`).subarray(0, ALIAS_BYTES_MAX).toString()
}

function refuseTaken(
  netlink: NetlinkSocket,
  { name, index }: Link,
  { own, dataRoot }: { readonly own: BridgeOwner; readonly dataRoot: string },
): void {
  const whose = `the engine with the data root ${dataRoot}`
  const holder = lockHolder(join(dataRoot, 'engine.lock'))
  // The same data root may be reached by another path.
  if (holder === String(process.pid)) return
  if (holder !== undefined) {
    throw conflict(
      'BRIDGE_TAKEN',
      `The bridge ${name} is used by ${whose} (pid ${holder}): stop it, or give this one another --bridge and --bip`,
    )
  }
  const isOthers = ({ master, kind, name: port }: Link): boolean =>
    master === index && kind === 'veth' && !port.startsWith(own.devicePrefix)
  const left = listLinks(netlink).filter(isOthers).length
  if (left === 0) return
  throw conflict(
    'BRIDGE_TAKEN',
    `On the bridge ${name} are ${left} containers of ${whose}: start that one to look after them, or give this one another --bridge and --bip`,
  )
}
