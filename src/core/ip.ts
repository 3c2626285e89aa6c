import { isIPv4, isIPv6 } from 'node:net'
import { invalidInput } from './errors.ts'

/** Addresses and networks of both families, as numbers. For IPv4 alone `cidr.ts` is enough. */

export type IpFamily = 4 | 6

export interface IpAddress {
  readonly family: IpFamily
  readonly value: bigint
}

/** `10.1.0.0/16`, `fd00:1::/64`. */
export interface IpNet {
  readonly family: IpFamily
  /** First address. */
  readonly base: bigint
  readonly prefix: number
}

const BITS = { 4: 32, 6: 128 } as const
const GROUPS = 8

/** The family of an address in text; undefined for anything else, addresses with a zone included. */
export function ipFamily(text: string): IpFamily | undefined {
  if (isIPv4(text)) return 4
  return isIPv6(text) && !text.includes('%') ? 6 : undefined
}

/** Throws BAD_ADDRESS. */
export function parseIp(text: string): IpAddress {
  switch (ipFamily(text)) {
    case 4:
      return { family: 4, value: bytesToValue(text.split('.').map(Number)) }
    case 6:
      return { family: 6, value: parseGroups(text) }
    case undefined:
      throw invalidInput('BAD_ADDRESS', `Cannot read address "${text}": expected an IP address such as 10.0.0.1`)
  }
}

const bytesToValue = (bytes: readonly number[]): bigint => bytes.reduce((sum, byte) => (sum << 8n) + BigInt(byte), 0n)

/** Groups of an address that is known to be valid; `::` stands for as many zeros as are missing. */
function parseGroups(text: string): bigint {
  const [head = '', tail] = text.split('::')
  const left = groupsOf(head)
  const right = tail === undefined ? [] : groupsOf(tail)
  const zeros = Array.from({ length: GROUPS - left.length - right.length }, () => 0n)
  return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) + group, 0n)
}

function groupsOf(text: string): bigint[] {
  return text
    .split(':')
    .filter(part => part !== '')
    .flatMap(part => {
      if (!part.includes('.')) return [BigInt(`0x${part}`)]
      const value = bytesToValue(part.split('.').map(Number))
      return [value >> 16n, value & 0xffffn]
    })
}

/** The usual text: of IPv6 the short lower-case form of RFC 5952. */
export function formatIp({ family, value }: IpAddress): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map(shift => (value >> shift) & 0xffn).join('.')
  const groups = Array.from({ length: GROUPS }, (_, index) => (value >> BigInt((GROUPS - 1 - index) * 16)) & 0xffffn)
  const text = groups.map(group => group.toString(16)).join(':')
  const zeros = [...text.matchAll(/(?<=^|:)0(?::0)+(?=$|:)/g)].sort((a, b) => b[0].length - a[0].length)[0]
  if (zeros === undefined) return text
  const [before, after] = [text.slice(0, zeros.index), text.slice(zeros.index + zeros[0].length)]
  return `${before.replace(/:$/, '')}::${after.replace(/^:/, '')}`
}

/** Reads a subnet; bits behind the prefix are cleared. Throws BAD_SUBNET. */
export function parseIpNet(text: string): IpNet {
  const [address = '', length = '', ...more] = text.split('/')
  const family = ipFamily(address)
  const prefix = Number(length)
  if (family === undefined || more.length > 0 || !/^\d{1,3}$/.test(length) || prefix > BITS[family]) {
    throw invalidInput(
      'BAD_SUBNET',
      `Cannot read subnet "${text}": expected an address and a prefix, such as 10.1.0.0/16`,
    )
  }
  const hostBits = BigInt(BITS[family] - prefix)
  return { family, base: (parseIp(address).value >> hostBits) << hostBits, prefix }
}

export function formatIpNet({ family, base, prefix }: IpNet): string {
  return `${formatIp({ family, value: base })}/${prefix}`
}

/** How many addresses the network holds, its first and last included. */
export function ipNetSize({ family, prefix }: IpNet): bigint {
  return 1n << BigInt(BITS[family] - prefix)
}

export function ipNetContains(net: IpNet, { family, value }: IpAddress): boolean {
  return family === net.family && value >= net.base && value < net.base + ipNetSize(net)
}

export function ipNetOverlaps(a: IpNet, b: IpNet): boolean {
  return ipNetContains(a, { family: b.family, value: b.base }) || ipNetContains(b, { family: a.family, value: a.base })
}
