import {
  type Answer,
  decode,
  encode,
  type Packet,
  type Question,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
} from 'dns-packet'
import { formatIp, ipFamily } from '../../../core/ip.ts'
import { pickIndex, type Random } from '../../../core/random.ts'

/** Answers of ours are not to be kept: a dead container's name must be forgotten within two seconds. */
const TTL_S = 0
const AUTHORITATIVE = 1 << 10
const TRUNCATED = 1 << 9
const RCODE = { ok: 0, servfail: 2, nxdomain: 3, notimp: 4 } as const
const RCODE_MASK = 0xf
const PLAIN_UDP_BYTES = 512
const MESSAGE_BYTES_MAX = 65_535

export type DnsTransport = 'udp' | 'tcp'

/** What is known about a name inside: its addresses of both families (none: it exists, but nothing healthy has it), or nothing. */
export interface InsideNames {
  readonly addressesOf: (name: string) => readonly string[] | undefined
  /** The name of an address, for reverse queries. */
  readonly nameOf: (address: string) => string | undefined
}

export interface AnswerContext {
  readonly names: InsideNames
  readonly random: Random
  readonly transport: DnsTransport
}

/** A query as far as it concerns us; undefined for what is no query with one question. */
export function readQuery(bytes: Buffer): { readonly packet: Packet; readonly question: Question } | undefined {
  try {
    const packet = decode(bytes)
    const [question, second] = packet.questions ?? []
    return packet.type !== 'query' || question === undefined || second !== undefined ? undefined : { packet, question }
  } catch {
    return undefined
  }
}

/** Our own answer, or undefined when the question is for the servers outside. */
export function answerInside(
  packet: Packet,
  question: Question,
  { names, random, transport }: AnswerContext,
): Buffer | undefined {
  const name = question.name.toLowerCase().replace(/\.$/, '')
  if (question.type === 'PTR') return answerReverse(packet, question, names)
  const addresses = names.addressesOf(name)
  if (addresses === undefined) return undefined
  const answers = shuffled(addresses, random).flatMap((data): Answer[] => {
    const type = ipFamily(data) === 6 ? 'AAAA' : 'A'
    const isAsked = question.type === type || (question.type as string) === 'ANY'
    return isAsked ? [{ name: question.name, type, ttl: TTL_S, data }] : []
  })
  return reply(packet, answers, transport)
}

function answerReverse(packet: Packet, question: Question, names: InsideNames): Buffer | undefined {
  const address = reverseAddress(question.name)
  const name = address === undefined ? undefined : names.nameOf(address)
  return name === undefined
    ? undefined
    : reply(packet, [{ name: question.name, type: 'PTR', ttl: TTL_S, data: name }], 'udp')
}

/** The address that a reverse query is about. */
export function reverseAddress(name: string): string | undefined {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa\.?$/i.exec(name)
  if (v4 !== null) return v4.slice(1).toReversed().join('.')
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa\.?$/i.exec(name)
  if (v6 === null) return undefined
  const digits = (v6[1] ?? '').replaceAll('.', '').split('').toReversed().join('')
  return formatIp({ family: 6, value: BigInt(`0x${digits}`) })
}

function sizeLimit(packet: Packet, transport: DnsTransport): number {
  if (transport === 'tcp') return MESSAGE_BYTES_MAX
  return Math.max(PLAIN_UDP_BYTES, packet.additionals?.find(extra => extra.type === 'OPT')?.udpPayloadSize ?? 0)
}

function reply(packet: Packet, answers: Answer[], transport: DnsTransport): Buffer {
  const limit = sizeLimit(packet, transport)
  const flags = ((packet.flags ?? 0) & RECURSION_DESIRED) | RECURSION_AVAILABLE | AUTHORITATIVE
  const make = (some: Answer[], extra: number): Buffer =>
    encode({
      type: 'response',
      id: packet.id ?? 0,
      flags: flags | extra,
      questions: packet.questions ?? [],
      answers: some,
    })
  const whole = make(answers, 0)
  if (whole.length <= limit) return whole
  const perAnswer = (whole.length - make([], 0).length) / answers.length
  return make(answers.slice(0, Math.floor((limit - make([], 0).length) / perAnswer)), TRUNCATED)
}

/** An answer without records that says why. */
export function refuse(packet: Packet, reason: keyof typeof RCODE): Buffer {
  const bytes = encode({
    type: 'response',
    id: packet.id ?? 0,
    flags: ((packet.flags ?? 0) & RECURSION_DESIRED) | RECURSION_AVAILABLE,
    questions: packet.questions ?? [],
  })
  bytes.writeUInt8((bytes.readUInt8(3) & ~RCODE_MASK) | RCODE[reason], 3)
  return bytes
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items]
  return items.flatMap(() => left.splice(pickIndex(random, left.length), 1))
}
