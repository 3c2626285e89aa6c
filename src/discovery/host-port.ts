import { invalidInput } from '../core/errors.ts'

/** `10.0.0.1:2375`, `host:2375` or `[::1]:2375`, taken apart; undefined if it is none of them. */
export function parseHostPort(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, plain, digits = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}

const RANGE = /\[(\d+):(\d+)\]/
const ADDRESSES_MAX = 65_536

/**
 * The addresses an entry of `nodes://` or a node file stands for: itself, or every number of its one range
 * (`10.0.0.[11:100]:2375`; leading zeros in the first number are kept: `node-[01:12]:2375`).
 */
export function expandAddresses(entry: string): string[] {
  const [range, low = '', high = ''] = RANGE.exec(entry) ?? []
  if (range === undefined) return [checked(entry)]
  const count = Number(high) - Number(low) + 1
  if (count < 1 || count > ADDRESSES_MAX) {
    throw invalidInput('BAD_ADDRESS', `Cannot read range "${entry}": expected the lower number first, as in [11:100]`)
  }
  return Array.from({ length: count }, (_, i) => {
    const number = String(Number(low) + i).padStart(low.startsWith('0') ? low.length : 0, '0')
    return checked(entry.replace(range, number))
  })
}

function checked(address: string): string {
  if (parseHostPort(address) !== undefined) return address
  throw invalidInput('BAD_ADDRESS', `Cannot read address "${address}": expected host:port, such as 10.0.0.1:2375`)
}
