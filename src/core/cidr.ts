import { invalidInput } from './errors.ts'

/** An IPv4 network: `10.1.0.0/16`. */
export interface Cidr {
  /** First address as an unsigned 32-bit number. */
  readonly base: number
  readonly prefix: number
}

export function parseIpv4(text: string): number {
  const parts = text.split('.')
  const bytes = parts.map(Number)
  if (parts.length !== 4 || !parts.every(part => /^\d{1,3}$/.test(part)) || bytes.some(byte => byte > 255)) {
    throw invalidInput('BAD_ADDRESS', `Cannot read address "${text}": expected an IPv4 address such as 10.0.0.1`)
  }
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0)
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map(shift => (address >>> shift) & 0xff).join('.')
}

/** Reads a subnet; bits behind the prefix are cleared. */
export function parseCidr(text: string): Cidr {
  const [address = '', length = ''] = text.split('/')
  const prefix = Number(length)
  if (!/^\d{1,2}$/.test(length) || prefix > 32) {
    throw invalidInput(
      'BAD_SUBNET',
      `Cannot read subnet "${text}": expected an address and a prefix, such as 10.1.0.0/16`,
    )
  }
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0
  return { base: (parseIpv4(address) & mask) >>> 0, prefix }
}

export function formatCidr({ base, prefix }: Cidr): string {
  return `${formatIpv4(base)}/${prefix}`
}

/** How many addresses the network holds, its first and last included. */
export function cidrSize({ prefix }: Cidr): number {
  return 2 ** (32 - prefix)
}

export function cidrContains(cidr: Cidr, address: number): boolean {
  return address >= cidr.base && address < cidr.base + cidrSize(cidr)
}

export function cidrOverlaps(a: Cidr, b: Cidr): boolean {
  return cidrContains(a, b.base) || cidrContains(b, a.base)
}
