import { errorMessage, invalidInput } from '../core/errors.ts'

/** How a kind of record stands in the store. `decode` throws a ShoalError `BAD_RECORD` that names what is wrong. */
export interface Codec<T> {
  /** What it is, for messages: `member`. */
  readonly kind: string
  readonly decode: (text: string) => T
  readonly encode: (value: T) => string
}

type FieldType = 'string' | 'number' | 'boolean' | 'object' | 'array'

/** Fields a record must have, with their types. A `?` at the end of a type lets the field be absent. */
export type Shape<T> = { readonly [K in keyof T]?: FieldType | `${FieldType}?` | readonly string[] }

/**
 * A codec that checks the fields in `shape` and keeps every other field as it is, so that a record written by a newer
 * version loses nothing when an older one rewrites it.
 */
export function jsonCodec<T extends object>(kind: string, shape: Shape<T>): Codec<T> {
  return {
    kind,
    encode: value => JSON.stringify(value),
    decode(text) {
      const value = parseObject(kind, text)
      for (const [field, wanted] of Object.entries(shape)) {
        const complaint = complain(value[field], wanted as FieldType | readonly string[])
        if (complaint !== undefined) throw invalidInput('BAD_RECORD', `Cannot read ${kind}: ${field} ${complaint}`)
      }
      return value as T
    },
  }
}

function parseObject(kind: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalidInput('BAD_RECORD', `Cannot read ${kind}: not JSON (${errorMessage(cause)})`, { cause })
  }
  if (typeOf(value) !== 'object') throw invalidInput('BAD_RECORD', `Cannot read ${kind}: expected an object`)
  return value as Readonly<Record<string, unknown>>
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function complain(value: unknown, wanted: string | readonly string[]): string | undefined {
  if (typeof wanted !== 'string') {
    return typeof value === 'string' && wanted.includes(value) ? undefined : `must be one of ${wanted.join(', ')}`
  }
  if (wanted.endsWith('?') && value === undefined) return undefined
  const type = wanted.replace('?', '')
  return typeOf(value) === type ? undefined : `must be of type ${type}, and is ${typeOf(value)}`
}
