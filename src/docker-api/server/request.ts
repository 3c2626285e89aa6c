import type { IncomingMessage } from 'node:http'
import { errorMessage, invalidInput, ShoalError } from '../../core/errors.ts'
import { parseNano } from '../../core/nano-time.ts'
import type { Filters } from '../engine.ts'
import type { RegistryAuth } from '../resource-types.ts'

const JSON_BYTES_MAX = 4 * 1024 * 1024

/** Reads a body as a JSON object; an empty one is `{}`. Throws 400 for anything else and 413 if it is too long. */
export async function readJson<T extends object>(request: IncomingMessage): Promise<Partial<T>> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request) {
    bytes += part.length
    if (bytes > JSON_BYTES_MAX) {
      throw new ShoalError('BODY_TOO_LARGE', 413, `The body is too large: at most ${JSON_BYTES_MAX} bytes are read`)
    }
    parts.push(part)
  }
  const text = Buffer.concat(parts).toString()
  if (text.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalidInput('BAD_JSON', `invalid JSON: ${errorMessage(cause)}`, { cause })
  }
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalidInput('BAD_JSON', 'invalid JSON: expected a JSON object')
  }
  return value
}

/** A piece of a path as the client meant it. Throws 400 for escapes that mean nothing, such as `%zz`. */
export function decodeSegment(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw invalidInput('BAD_URL', `invalid URL escape in "${text}"`, { cause })
  }
}

/** The parameters behind the question mark, read as Docker reads them. Throws 400 for escapes that mean nothing. */
export class Query {
  readonly #values: URLSearchParams

  constructor(url: string) {
    const mark = url.indexOf('?')
    const text = mark < 0 ? '' : url.slice(mark + 1)
    const escape = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text)?.[0]
    if (escape !== undefined) throw invalidInput('BAD_URL', `invalid URL escape "${escape}"`)
    this.#values = new URLSearchParams(text)
  }

  text(name: string): string | undefined {
    return this.#values.get(name) || undefined
  }

  all(name: string): string[] {
    return this.#values.getAll(name).filter(value => value !== '')
  }

  /** False for an absent value, `0`, `no`, `false` and `none`, as in Docker; true for everything else. */
  flag(name: string, absent = false): boolean {
    const value = this.#values.get(name)
    if (value === null || value === '') return absent
    return !['0', 'no', 'false', 'none'].includes(value.trim().toLowerCase())
  }

  /** A whole number. Throws 400 for anything else. */
  integer(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (!/^-?\d+$/.test(value))
      throw invalidInput('BAD_QUERY', `Bad parameter ${name}: "${value}" is not a whole number`)
    return Number(value)
  }

  /** An instant, as Unix seconds with an optional fraction or as RFC 3339, in nanoseconds; 0 means none. */
  timeNano(name: string): bigint | undefined {
    const value = this.text(name)
    if (value === undefined || value === '0') return undefined
    const nano = parseNano(value)
    if (nano === undefined) {
      throw invalidInput('BAD_QUERY', `Bad parameter ${name}: "${value}" is neither Unix seconds nor an RFC 3339 time`)
    }
    return nano
  }

  /** The same in milliseconds, exact to a microsecond. */
  timeMs(name: string): number | undefined {
    const nano = this.timeNano(name)
    return nano === undefined ? undefined : Number(nano / 1_000n) / 1_000
  }

  /** A JSON object of strings: build arguments, labels. */
  strings(name: string): Record<string, string> {
    const value = this.#json(name)
    return Object.fromEntries(
      Object.entries(value ?? {}).flatMap(([key, text]) => (text === null ? [] : [[key, String(text)]])),
    )
  }

  /** `{"label":["a"]}`, or the older `{"label":{"a":true}}`. */
  filters(): Filters {
    const value = this.#json('filters')
    const list = (given: unknown): string[] =>
      Array.isArray(given) ? given.map(String) : typeof given === 'object' && given !== null ? Object.keys(given) : []
    return Object.fromEntries(Object.entries(value ?? {}).map(([key, given]) => [key, list(given)]))
  }

  /** A JSON list; an absent one is empty. */
  list(name: string): readonly unknown[] {
    const value = this.#parsed(name)
    if (value === undefined) return []
    if (Array.isArray(value)) return value
    throw invalidInput('BAD_QUERY', `Bad parameter ${name}: expected a JSON list`)
  }

  #json(name: string): object | undefined {
    const value = this.#parsed(name)
    if (value === undefined || (typeof value === 'object' && !Array.isArray(value))) return value
    throw invalidInput('BAD_QUERY', `Bad parameter ${name}: expected a JSON object`)
  }

  #parsed(name: string): object | string | number | boolean | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    try {
      return (JSON.parse(text) as object | string | number | boolean | null) ?? undefined
    } catch (cause) {
      throw invalidInput('BAD_QUERY', `Bad parameter ${name}: expected JSON`, { cause })
    }
  }
}

/** The registry credentials in the X-Registry-Auth header: JSON in base64. */
export function registryAuth(header: string | readonly string[] | undefined): RegistryAuth | undefined {
  return jsonHeader(header, 'X-Registry-Auth')
}

/** A header that carries a JSON object in base64; an empty object is none. */
export function jsonHeader(header: string | readonly string[] | undefined, name: string): object | undefined {
  if (typeof header !== 'string' || header === '') return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(header, 'base64url').toString())
    return typeof value === 'object' && value !== null && Object.keys(value).length > 0 ? value : undefined
  } catch (cause) {
    throw invalidInput('BAD_AUTH', `Cannot read the ${name} header: expected JSON in base64`, { cause })
  }
}
