import { parseDuration } from './duration.ts'
import { invalidInput } from './errors.ts'

const ISO = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d\d:\d\d)?$/

/**
 * Reads a moment as Docker's filters and flags do, in milliseconds since 1970: Unix seconds with an optional fraction, a
 * Go duration before `nowMs` (`10m`), or a date with as much of a time as was written, in the host's zone unless it names
 * one. Throws BAD_MOMENT.
 */
export function parseMoment(text: string, nowMs: number): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000
  const iso = ISO.exec(text)
  if (iso !== null) {
    const [, date = '', hour = '00', minute = '00', second = '00', fraction = '', zone = ''] = iso
    const ms = Date.parse(`${date}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}${zone}`)
    if (!Number.isNaN(ms)) return ms
  }
  try {
    return nowMs - parseDuration(text)
  } catch {
    throw invalidInput('BAD_MOMENT', `failed to parse value as time or duration: "${text}"`)
  }
}
