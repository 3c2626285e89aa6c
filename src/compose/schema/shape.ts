import { asText } from '../tree.ts'

/** What a value must look like. A vocabulary small enough that every failure can be told in a sentence. */
export type Shape = ScalarShape | ListShape | RecordShape | DictionaryShape | EitherShape | AnyShape

export type ScalarType = 'string' | 'number' | 'integer' | 'boolean' | 'null'

export interface ScalarShape {
  readonly kind: 'scalar'
  readonly types: readonly ScalarType[]
  /** What is wrong with a value of the right type; undefined: nothing. */
  readonly check?: (value: unknown) => string | undefined
}

export interface ListShape {
  readonly kind: 'list'
  readonly item: Shape
  readonly unique?: boolean
}

/** A mapping with known keys; keys that begin with `x-` are always allowed. */
export interface RecordShape {
  readonly kind: 'record'
  readonly fields: Readonly<Record<string, Shape>>
  readonly required: readonly string[]
}

/** A mapping whose keys are chosen by the author. */
export interface DictionaryShape {
  readonly kind: 'dictionary'
  readonly value: Shape
  readonly key?: KeyRule
}

export interface KeyRule {
  readonly pattern: RegExp
  /** The pattern in words. */
  readonly said: string
}

export interface EitherShape {
  readonly kind: 'either'
  readonly shapes: readonly Exclude<Shape, EitherShape>[]
}

export interface AnyShape {
  readonly kind: 'any'
}

export function scalar(...types: readonly ScalarType[]): ScalarShape {
  return { kind: 'scalar', types }
}

export const text: ScalarShape = scalar('string')
/** Casts leave the empty text of a variable that is not set, hence text beside the type. */
export const flag: ScalarShape = scalar('boolean', 'string')
export const integer: ScalarShape = scalar('integer', 'string')
export const number: ScalarShape = scalar('number', 'string')
export const textOrNumber: ScalarShape = scalar('string', 'number')
export const anything: AnyShape = { kind: 'any' }

export function listOf(item: Shape): ListShape {
  return { kind: 'list', item }
}

export function setOf(item: Shape): ListShape {
  return { kind: 'list', item, unique: true }
}

export function record(fields: Readonly<Record<string, Shape>>, required: readonly string[] = []): RecordShape {
  return { kind: 'record', fields, required }
}

export function dictionary(value: Shape, key?: KeyRule): DictionaryShape {
  return key === undefined ? { kind: 'dictionary', value } : { kind: 'dictionary', value, key }
}

/** The names people give to services, networks, volumes, …: compose-spec's rule. */
export const NAME: KeyRule = { pattern: /^[a-zA-Z0-9._-]+$/, said: 'a name is made of letters, digits and . _ -' }
export const NOT_EMPTY: KeyRule = { pattern: /[^]/, said: 'a key may not be empty' }

export function either(...shapes: readonly Exclude<Shape, EitherShape>[]): EitherShape {
  return { kind: 'either', shapes }
}

export function oneOf(...values: readonly string[]): ScalarShape {
  return {
    kind: 'scalar',
    types: ['string'],
    check: value =>
      values.includes(asText(value))
        ? undefined
        : `value must be one of ${values.map(known => `'${known}'`).join(', ')}`,
  }
}

export function matching(pattern: RegExp, ...types: readonly ScalarType[]): ScalarShape {
  return {
    kind: 'scalar',
    types: types.length === 0 ? ['string'] : types,
    check: value => {
      const text = asText(value)
      return pattern.test(text) ? undefined : `'${text}' does not match pattern '${pattern.source}'`
    },
  }
}

export function atLeast(minimum: number, ...types: readonly ScalarType[]): ScalarShape {
  return between(minimum, Number.POSITIVE_INFINITY, ...types)
}

export function between(minimum: number, maximum: number, ...types: readonly ScalarType[]): ScalarShape {
  return {
    kind: 'scalar',
    types: types.length === 0 ? ['integer', 'string'] : types,
    check: value => {
      if (typeof value !== 'number') return undefined
      if (value < minimum) return `must be greater than or equal to ${minimum}`
      return value > maximum ? `must be less than or equal to ${maximum}` : undefined
    },
  }
}

export const stringList: ListShape = setOf(text)
export const stringOrList: EitherShape = either(text, setOf(text))
export const keyValues: EitherShape = either(
  dictionary(scalar('boolean', 'null', 'number', 'string'), NOT_EMPTY),
  setOf(text),
)
export const command: EitherShape = either(scalar('null', 'string'), listOf(text))
export const scalarMap: DictionaryShape = dictionary(scalar('string', 'number', 'boolean', 'null'))
