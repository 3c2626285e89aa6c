import { invalidInput } from './errors.ts'

/** Control keys in the order of their codes. */
const CONTROL = '@abcdefghijklmnopqrstuvwxyz[\\]^_'
const CTRL_P = 0x10
const CTRL_Q = 0x11
const DELETE = 0x7f

/** Docker's keys when nothing is said: ctrl-p,ctrl-q. */
const DEFAULT_KEYS = Buffer.from([CTRL_P, CTRL_Q])

/**
 * Reads a sequence of keys such as `ctrl-a,d`: letters, `ctrl-` with a letter or one of @ [ \ ] ^ _, and DEL.
 * Throws 400 BAD_DETACH_KEYS in Docker's words.
 */
export function parseDetachKeys(text: string | undefined): Buffer {
  if (text === undefined || text === '') return DEFAULT_KEYS
  return Buffer.from(text.split(',').map(key => codeOf(key) ?? refuse(text)))
}

function codeOf(key: string): number | undefined {
  if (Buffer.byteLength(key) === 1) return key.charCodeAt(0)
  if (key === 'DEL') return DELETE
  const code = /^ctrl-.$/.test(key) ? CONTROL.indexOf(key.slice(-1)) : -1
  return code < 0 ? undefined : code
}

function refuse(text: string): never {
  throw invalidInput('BAD_DETACH_KEYS', `Invalid detach keys (${text}) provided`)
}

/**
 * Looks for the keys in what a client types. Keys that may be the beginning of the sequence are held back until it is known
 * whether they are; after a key that breaks the sequence, it begins anew with the next one, as in Docker.
 */
export class DetachScanner {
  readonly #keys: Buffer
  #matched = 0

  constructor(keys: Buffer) {
    this.#keys = keys
  }

  /** What the process shall get of the next bytes, and whether the client wants to leave. */
  push(bytes: Buffer): { readonly forward: Buffer; readonly detached: boolean } {
    const forward: Buffer[] = []
    let start = 0
    for (const [index, byte] of bytes.entries()) {
      if (byte === this.#keys[this.#matched]) {
        if (this.#matched === 0) {
          forward.push(bytes.subarray(start, index))
          start = index
        }
        this.#matched++
        if (this.#matched === this.#keys.length) return { forward: Buffer.concat(forward), detached: true }
      } else if (this.#matched > 0) {
        // Held back until now, some of it perhaps in an earlier piece.
        forward.push(this.#keys.subarray(0, this.#matched))
        start = index
        this.#matched = 0
      }
    }
    if (this.#matched === 0) forward.push(bytes.subarray(start))
    return { forward: Buffer.concat(forward), detached: false }
  }
}
