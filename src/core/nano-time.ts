/** Instants in nanoseconds since 1970, which numbers cannot hold exactly. */

export const NANOS_PER_MS = 1_000_000n
const NANOS_PER_SECOND = 1_000_000_000n
const YEAR_0_MS = Date.parse('0000-01-01T00:00:00Z')
const YEAR_9999_MS = Date.parse('9999-12-31T23:59:59Z')

/** RFC 3339 in UTC with nine digits; such texts sort as their instants do. Years before 0 and after 9999 are cut to these. */
export function formatNano(nano: bigint): string {
  const fraction = ((nano % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND
  const ms = Number((nano - fraction) / NANOS_PER_MS)
  const seconds = new Date(Math.min(Math.max(ms, YEAR_0_MS), YEAR_9999_MS)).toISOString().slice(0, 19)
  return `${seconds}.${String(fraction).padStart(9, '0')}Z`
}

/** Seconds with nine digits behind the point, as Docker's clients send instants: `1700000000.000000001`. */
export function formatNanoSeconds(nano: bigint): string {
  const sign = nano < 0n ? '-' : ''
  const size = nano < 0n ? -nano : nano
  return `${sign}${size / NANOS_PER_SECOND}.${String(size % NANOS_PER_SECOND).padStart(9, '0')}`
}

/** Reads Unix seconds with an optional fraction, or RFC 3339; undefined for anything else. Digits after the ninth are dropped. */
export function parseNano(text: string): bigint | undefined {
  const unix = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text)
  if (unix !== null) {
    const size = BigInt(unix[2] ?? 0) * NANOS_PER_SECOND + nanosOf(unix[3])
    return unix[1] === '-' ? -size : size
  }
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$/.exec(text)
  if (match === null && !/^\d{4}-\d\d-\d\d/.test(text)) return undefined
  const ms = match === null ? Date.parse(text) : Date.parse(`${match[1]}${match[3] ?? 'Z'}`)
  return Number.isNaN(ms) ? undefined : BigInt(ms) * NANOS_PER_MS + nanosOf(match?.[2])
}

function nanosOf(fraction: string | undefined): bigint {
  return BigInt((fraction ?? '').slice(0, 9).padEnd(9, '0'))
}
