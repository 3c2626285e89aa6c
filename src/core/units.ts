import { invalidInput } from './errors.ts'

const BYTE_UNITS: Readonly<Record<string, number>> = { b: 0, k: 1, m: 2, g: 3, t: 4, p: 5 }

/** Reads a size as docker does (`512m`, `1.5g`, `64KiB`, `1024`), in bytes; units are powers of 1024. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgtp])?(?:i?b)?$/i.exec(text.trim())
  const digits = match?.[1]
  if (digits === undefined) {
    throw invalidInput('BAD_SIZE', `Cannot read size "${text}": expected a number and a unit, such as 512m or 2g`)
  }
  return Math.floor(Number(digits) * 1024 ** (BYTE_UNITS[match?.[2]?.toLowerCase() ?? 'b'] ?? 0))
}

/** Writes bytes for a person: `20MiB`, `8.19GiB` (Docker's BytesSize: four digits, binary units). */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${Number(value.toPrecision(4))}${units[unit] ?? 'B'}`
}

/** Reads a number of CPUs (`0.5`, `2`) in billionths of a CPU. */
export function parseCpus(text: string | number): number {
  const value = Number(text)
  if (text === '' || !Number.isFinite(value) || value < 0) {
    throw invalidInput('BAD_CPUS', `Cannot read cpus "${text}": expected a number that is not negative, such as 0.5`)
  }
  return Math.round(value * 1e9)
}
