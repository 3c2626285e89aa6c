import { parseIpv4 } from '../../../core/cidr.ts'
import { formatIp, parseIp } from '../../../core/ip.ts'

/** Netlink messages as bytes: headers and attributes, in host (little-endian) order. Source: rtnetlink(7), netlink(7). */

export const NLM_F = {
  request: 1,
  ack: 4,
  replace: 0x100,
  excl: 0x200,
  create: 0x400,
  append: 0x800,
  dump: 0x300,
} as const
export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
const HEADER_BYTES = 16
const NLA_TYPE_MASK = 0x3fff

const align = (length: number): number => (length + 3) & ~3

export interface NetlinkMessage {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly payload: Buffer
}

export function encodeMessage({ type, flags, sequence, payload }: NetlinkMessage): Buffer {
  const bytes = Buffer.alloc(align(HEADER_BYTES + payload.length))
  bytes.writeUInt32LE(HEADER_BYTES + payload.length, 0)
  bytes.writeUInt16LE(type, 4)
  bytes.writeUInt16LE(flags, 6)
  bytes.writeUInt32LE(sequence, 8)
  payload.copy(bytes, HEADER_BYTES)
  return bytes
}

/** All messages of one datagram; a truncated tail is dropped. */
export function decodeMessages(bytes: Buffer): NetlinkMessage[] {
  const messages: NetlinkMessage[] = []
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    if (length < HEADER_BYTES || at + length > bytes.length) break
    messages.push({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      sequence: bytes.readUInt32LE(at + 8),
      payload: bytes.subarray(at + HEADER_BYTES, at + length),
    })
    at += align(length)
  }
  return messages
}

/** One attribute, padded; a list of values is a nested attribute. */
export function attribute(type: number, value: Buffer | readonly Buffer[]): Buffer {
  const data = Buffer.isBuffer(value) ? value : Buffer.concat(value)
  const bytes = Buffer.alloc(align(4 + data.length))
  bytes.writeUInt16LE(4 + data.length, 0)
  bytes.writeUInt16LE(type, 2)
  data.copy(bytes, 4)
  return bytes
}

const NLA_F_NESTED = 0x8000

/** Attributes within an attribute that says so, as netfilter wants it. */
export const nested = (type: number, values: readonly Buffer[]): Buffer => attribute(type | NLA_F_NESTED, values)

/** Attributes by type; of several of one type the last. */
export function decodeAttributes(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at)
    if (length < 4 || at + length > bytes.length) break
    found.set(bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length))
    at += align(length)
  }
  return found
}

export const encodeText = (text: string): Buffer => Buffer.from(`${text}\0`)
export const decodeText = (bytes: Buffer): string => bytes.toString('utf8').replace(/\0.*$/s, '')
export const encodeU8 = (value: number): Buffer => Buffer.from([value])

export function encodeU16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

export function encodeU32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** Ports travel in network order. */
export function encodeBe16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

/** Numbers of netfilter travel in network order. */
export function encodeBe32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function encodeIpv4(address: string): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(parseIpv4(address))
  return bytes
}

/** An address of either family: 4 or 16 bytes. */
export function encodeIp(address: string): Buffer {
  const { family, value } = parseIp(address)
  return Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex')
}

/** Of 4 bytes an IPv4 address, of 16 an IPv6 one. */
export function decodeIp(bytes: Buffer): string {
  const value = BigInt(`0x${bytes.toString('hex')}`)
  return formatIp({ family: bytes.length === 4 ? 4 : 6, value })
}

export const encodeMac = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex')
export const decodeMac = (bytes: Buffer): string => bytes.toString('hex').replace(/(..)(?=.)/g, '$1:')
