import { invalidInput } from '../../core/errors.ts'

export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q'

const CONTROL: Readonly<Record<string, number>> = { '@': 0, '[': 27, '\\': 28, ']': 29, '^': 30, _: 31 }

/** Reads `ctrl-p,ctrl-q` or `a,b` as bytes. Throws BAD_FLAG. */
export function parseDetachKeys(text: string): Buffer {
  return Buffer.from(text.split(',').map(key => byteOf(key, text)))
}

function byteOf(key: string, text: string): number {
  const control = /^ctrl-(.)$/i.exec(key)?.[1]
  if (control === undefined && /^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0)
  const letter = control?.toLowerCase() ?? ''
  if (/^[a-z]$/.test(letter)) return letter.charCodeAt(0) - 96
  const byte = CONTROL[letter]
  if (byte !== undefined) return byte
  throw invalidInput('BAD_FLAG', `Invalid escape keys (${text}) provided: expected letters or ctrl-<key>, with commas`)
}

export interface KeyScan {
  /** What is passed on. */
  readonly data: Buffer
  /** The keys were pressed; nothing behind them is passed on. */
  readonly detached: boolean
}

/** Looks for the detach keys in what is typed; the beginning of a sequence is held back until it is known what it is. */
export function createKeyScanner(keys: Buffer): (chunk: Buffer) => KeyScan {
  let matched = 0
  return chunk => {
    const out: number[] = []
    for (const byte of chunk) {
      if (byte === keys[matched]) {
        matched++
        if (matched === keys.length) return { data: Buffer.from(out), detached: true }
        continue
      }
      out.push(...keys.subarray(0, matched))
      matched = byte === keys[0] ? 1 : 0
      if (matched === 0) out.push(byte)
    }
    return { data: Buffer.from(out), detached: false }
  }
}
