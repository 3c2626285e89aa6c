import { errorCode } from '../../core/errors.ts'
import { SyscallError } from './libc.ts'
import { attribute, decodeAttributes, decodeIpv4, NLM_F } from './netlink-codec.ts'
import { NETLINK_NETFILTER, NetlinkSocket } from './netlink-socket.ts'

/** The kernel's table of connections. Numbers are those of linux/netfilter/nfnetlink_conntrack.h. */

const SUBSYSTEM = 1 << 8
const MESSAGE = { get: SUBSYSTEM | 1, delete: SUBSYSTEM | 2 } as const
const CTA = { original: 1, reply: 2, id: 12 } as const
const TUPLE_IP = 1
const IP_SOURCE = 1
const NESTED = 0x8000
const AF_INET = 2
const HEADER = Buffer.from([AF_INET, 0, 0, 0])

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
      for (const connection of listConnections(netfilter)) {
        if (answeredBy.has(sourceOf(connection.reply))) forget(netfilter, connection)
      }
    } finally {
      netfilter.close()
    }
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
  }
}

interface Connection {
  readonly original: Buffer
  readonly reply: Buffer
  readonly id: Buffer | undefined
}

function listConnections(netfilter: NetlinkSocket): Connection[] {
  const request = { type: MESSAGE.get, flags: NLM_F.dump, payload: HEADER, what: 'list connections' }
  return netfilter.query(request).flatMap(entry => {
    const attributes = decodeAttributes(entry.subarray(HEADER.length))
    const [original, reply] = [attributes.get(CTA.original), attributes.get(CTA.reply)]
    return original === undefined || reply === undefined ? [] : [{ original, reply, id: attributes.get(CTA.id) }]
  })
}

function sourceOf(tuple: Buffer): string {
  const source = decodeAttributes(decodeAttributes(tuple).get(TUPLE_IP) ?? Buffer.alloc(0)).get(IP_SOURCE)
  return source === undefined ? '' : decodeIpv4(source)
}

function forget(netfilter: NetlinkSocket, { original, id }: Connection): void {
  const parts = [attribute(CTA.original | NESTED, original), ...(id === undefined ? [] : [attribute(CTA.id, id)])]
  try {
    netfilter.change({
      type: MESSAGE.delete,
      payload: Buffer.concat([HEADER, ...parts]),
      what: 'forget a connection',
    })
  } catch (error) {
    // It ended meanwhile.
    if (errorCode(error) !== 'ENOENT') throw error
  }
}
