import { errorCode } from '../../../core/errors.ts'
import { type IpFamily, ipFamily } from '../../../core/ip.ts'
import { SyscallError } from '../process/libc.ts'
import { attribute, decodeAttributes, decodeIp, NLM_F } from './netlink-codec.ts'
import { NETLINK_NETFILTER, NetlinkSocket } from './netlink-socket.ts'

/** The kernel's table of connections. Numbers are those of linux/netfilter/nfnetlink_conntrack.h. */

const SUBSYSTEM = 1 << 8
const MESSAGE = { get: SUBSYSTEM | 1, delete: SUBSYSTEM | 2 } as const
const CTA = { original: 1, reply: 2, id: 12 } as const
const TUPLE_IP = 1
const IP_SOURCE = { 4: 1, 6: 3 } as const
const NESTED = 0x8000
const HEADERS = { 4: Buffer.from([2, 0, 0, 0]), 6: Buffer.from([10, 0, 0, 0]) } as const
const HEADER_BYTES = 4

/**
 * Forgets every connection that one of these addresses answers, translated ones included: the next packet of it meets
 * the rules anew, or is refused. Otherwise a client would go on sending to an address where nobody is. Where the kernel
 * cannot, connections end by their own timeouts, which is no reason to fail.
 */
export function forgetConnections(answeredBy: ReadonlySet<string>): void {
  if (answeredBy.size === 0) return
  try {
    const netfilter = new NetlinkSocket(NETLINK_NETFILTER)
    try {
      const families = new Set([...answeredBy].map(address => ipFamily(address) ?? 4))
      for (const family of families) {
        for (const connection of listConnections(netfilter, family)) {
          if (answeredBy.has(sourceOf(connection))) forget(netfilter, connection)
        }
      }
    } finally {
      netfilter.close()
    }
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
  }
}

interface Connection {
  readonly family: IpFamily
  readonly original: Buffer
  readonly reply: Buffer
  readonly id: Buffer | undefined
}

function listConnections(netfilter: NetlinkSocket, family: IpFamily): Connection[] {
  const request = { type: MESSAGE.get, flags: NLM_F.dump, payload: HEADERS[family], what: 'list connections' }
  return netfilter.query(request).flatMap(entry => {
    const attributes = decodeAttributes(entry.subarray(HEADER_BYTES))
    const [original, reply] = [attributes.get(CTA.original), attributes.get(CTA.reply)]
    return original === undefined || reply === undefined
      ? []
      : [{ family, original, reply, id: attributes.get(CTA.id) }]
  })
}

function sourceOf({ family, reply }: Connection): string {
  const addresses = decodeAttributes(decodeAttributes(reply).get(TUPLE_IP) ?? Buffer.alloc(0))
  const source = addresses.get(IP_SOURCE[family])
  return source === undefined ? '' : decodeIp(source)
}

function forget(netfilter: NetlinkSocket, { family, original, id }: Connection): void {
  const parts = [attribute(CTA.original | NESTED, original), ...(id === undefined ? [] : [attribute(CTA.id, id)])]
  try {
    netfilter.change({
      type: MESSAGE.delete,
      payload: Buffer.concat([HEADERS[family], ...parts]),
      what: 'forget a connection',
    })
  } catch (error) {
    // It ended meanwhile.
    if (errorCode(error) !== 'ENOENT') throw error
  }
}
