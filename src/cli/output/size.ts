const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** Bytes in powers of 1000 with so many digits, as docker shows sizes of images and containers: `4.26MB`. */
export function humanSize(bytes: number, digits = 4): string {
  return scaled(bytes, { units: DECIMAL, base: 1_000, digits })
}

/** Bytes in powers of 1024, as docker shows memory: `1.5GiB`. */
export function binarySize(bytes: number, digits = 4): string {
  return scaled(bytes, { units: BINARY, base: 1_024, digits })
}

interface Scale {
  readonly units: readonly string[]
  readonly base: number
  readonly digits: number
}

function scaled(bytes: number, { units, base, digits }: Scale): string {
  let value = bytes
  let unit = 0
  while (value >= base && unit < units.length - 1) {
    value /= base
    unit++
  }
  return `${Number(value.toPrecision(digits))}${units[unit]}`
}
