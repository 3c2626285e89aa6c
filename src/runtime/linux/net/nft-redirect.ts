import { attribute, encodeBe16, encodeBe32, encodeIpv4, encodeText, encodeU8, NLM_F, nested } from './netlink-codec.ts'
import { NETLINK_NETFILTER, type NetlinkBatchPart, NetlinkSocket } from './netlink-socket.ts'

/**
 * One small nftables table, written over netlink: starting `nft` takes longer than all the rest of a container's network.
 * Numbers are those of linux/netfilter/nf_tables.h.
 */

const NFTABLES = 10
const AF_INET = 2
const MESSAGE = { newTable: 0, deleteTable: 2, newChain: 3, newRule: 6 } as const
const BATCH = { begin: 16, end: 17 } as const
const CHAIN = { table: 1, name: 3, hook: 4, type: 7 } as const
const HOOK = { number: 1, priority: 2 } as const
const RULE = { table: 1, chain: 2, expressions: 4 } as const
const LOCAL_OUT = 3
const PRIORITY_DSTNAT = -100
const LIST_ELEMENT = 1
const EXPRESSION = { name: 1, data: 2 } as const
const REGISTER = { address: 1, port: 2 } as const
const NETWORK_HEADER = { base: 1, daddr: 16 } as const
const TRANSPORT_HEADER = { base: 2, dport: 2 } as const
const META_L4PROTO = 16
const DNAT = 1
export const PROTOCOLS = { tcp: 6, udp: 17 } as const

export interface Redirect {
  readonly protocol: keyof typeof PROTOCOLS
  /** What processes of the namespace send to, and where it goes instead. */
  readonly address: string
  readonly port: number
  readonly toPort: number
}

/**
 * In the namespace the thread is in: processes that speak to an address and port of their own host reach another port of
 * the same address. With `replace` there may be a table of that name, which is removed; that takes the kernel ten
 * milliseconds and more. Throws a SyscallError where the kernel cannot.
 */
export function redirectLocally(
  table: string,
  redirects: readonly Redirect[],
  { replace }: { readonly replace: boolean },
): void {
  const netfilter = new NetlinkSocket(NETLINK_NETFILTER)
  try {
    const tableName = attribute(CHAIN.table, encodeText(table))
    const create = NLM_F.create
    const change = (type: number, payload: Buffer, flags = 0): NetlinkBatchPart => ({
      type: (NFTABLES << 8) | type,
      flags,
      payload: Buffer.concat([familyHeader(AF_INET, 0), payload]),
    })
    netfilter.batch(`redirect ports in table ${table}`, {
      begin: { type: BATCH.begin, payload: familyHeader(0, NFTABLES) },
      parts: [
        // Made so that it can be deleted.
        ...(replace ? [change(MESSAGE.newTable, tableName, create), change(MESSAGE.deleteTable, tableName)] : []),
        change(MESSAGE.newTable, tableName, create),
        change(MESSAGE.newChain, Buffer.concat([tableName, outputChain()]), create),
        ...redirects.map(redirect =>
          change(MESSAGE.newRule, Buffer.concat([tableName, rule(redirect)]), create | NLM_F.append),
        ),
      ],
      end: { type: BATCH.end, payload: familyHeader(0, NFTABLES) },
    })
  } finally {
    netfilter.close()
  }
}

const CHAIN_NAME = 'output'

function familyHeader(family: number, resource: number): Buffer {
  return Buffer.concat([Buffer.from([family, 0]), encodeBe16(resource)])
}

function outputChain(): Buffer {
  return Buffer.concat([
    attribute(CHAIN.name, encodeText(CHAIN_NAME)),
    nested(CHAIN.hook, [
      attribute(HOOK.number, encodeBe32(LOCAL_OUT)),
      attribute(HOOK.priority, encodeBe32(PRIORITY_DSTNAT)),
    ]),
    attribute(CHAIN.type, encodeText('nat')),
  ])
}

function rule({ protocol, address, port, toPort }: Redirect): Buffer {
  const expressions = [
    loadPayload(NETWORK_HEADER.base, NETWORK_HEADER.daddr, 4),
    isEqual(encodeIpv4(address)),
    expression('meta', [attribute(1, encodeBe32(REGISTER.address)), attribute(2, encodeBe32(META_L4PROTO))]),
    isEqual(encodeU8(PROTOCOLS[protocol])),
    loadPayload(TRANSPORT_HEADER.base, TRANSPORT_HEADER.dport, 2),
    isEqual(encodeBe16(port)),
    immediate(REGISTER.address, encodeIpv4(address)),
    immediate(REGISTER.port, encodeBe16(toPort)),
    expression('nat', [
      attribute(1, encodeBe32(DNAT)),
      attribute(2, encodeBe32(AF_INET)),
      attribute(3, encodeBe32(REGISTER.address)),
      attribute(5, encodeBe32(REGISTER.port)),
    ]),
  ]
  return Buffer.concat([attribute(RULE.chain, encodeText(CHAIN_NAME)), nested(RULE.expressions, expressions)])
}

function expression(name: string, data: readonly Buffer[]): Buffer {
  return nested(LIST_ELEMENT, [attribute(EXPRESSION.name, encodeText(name)), nested(EXPRESSION.data, data)])
}

function loadPayload(base: number, offset: number, length: number): Buffer {
  const numbers = [REGISTER.address, base, offset, length]
  return expression(
    'payload',
    numbers.map((number, index) => attribute(index + 1, encodeBe32(number))),
  )
}

/** Goes on if the first register holds these bytes. */
function isEqual(bytes: Buffer): Buffer {
  return expression('cmp', [
    attribute(1, encodeBe32(REGISTER.address)),
    attribute(2, encodeBe32(0)),
    nested(3, [attribute(1, bytes)]),
  ])
}

function immediate(register: number, bytes: Buffer): Buffer {
  return expression('immediate', [attribute(1, encodeBe32(register)), nested(2, [attribute(1, bytes)])])
}
