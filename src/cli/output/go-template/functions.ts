import { goText, isTruthy } from './text.ts'

export type TemplateFunction = (...args: readonly unknown[]) => unknown

const text = (value: unknown): string => (typeof value === 'string' ? value : goText(value))

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.length
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0
}

/** Go's index. `zeroOf` gives what stands for a key that a map does not have. */
export function indexWith(zeroOf: (map: object) => unknown): TemplateFunction {
  return (value, ...keys) =>
    keys.reduce<unknown>((at, key) => {
      if (Array.isArray(at) && typeof key === 'number') {
        if (key < 0 || key >= at.length) throw new RangeError(`error calling index: index out of range: ${key}`)
        return at[key] as unknown
      }
      if (typeof at !== 'object' || at === null) throw new RangeError('error calling index: index of untyped nil')
      const name = text(key)
      return Object.hasOwn(at, name) ? (at as Readonly<Record<string, unknown>>)[name] : zeroOf(at)
    }, value)
}

/** Go's slice: of a text, whose bytes it counts, or of a list. */
function slice(value: unknown, ...ends: readonly unknown[]): unknown {
  const fail = (why: string): never => {
    throw new RangeError(`error calling slice: ${why}`)
  }
  if (value === null || value === undefined) return fail('slice of untyped nil')
  if (ends.length > 3) return fail(`too many slice indexes: ${ends.length}`)
  const whole = typeof value === 'string' ? Buffer.from(value) : value
  if (!Buffer.isBuffer(whole) && !Array.isArray(whole)) return fail(`can't slice item of type ${typeName(value)}`)
  if (Buffer.isBuffer(whole) && ends.length === 3) return fail('cannot 3-index slice a string')
  const places = ends.map(end => {
    if (typeof end !== 'number') return fail(`cannot index slice/array with type ${typeName(end)}`)
    return end >= 0 && end <= whole.length ? end : fail(`index out of range: ${end}`)
  })
  const [from = 0, to = whole.length] = places
  if (from > to) return fail(`invalid slice index: ${from} > ${to}`)
  return Buffer.isBuffer(whole) ? whole.subarray(from, to).toString() : whole.slice(from, to)
}

/** Names a type as Go's `%T` does, as far as JSON tells types. */
function typeName(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  if (typeof value !== 'object') return 'string'
  const items: readonly unknown[] = Object.values(value)
  const item = items.length > 0 && items.every(each => typeof each === 'string') ? 'string' : 'interface {}'
  return Array.isArray(value) ? `[]${item}` : `map[string]${item}`
}

const HTML: Readonly<Record<string, string>> = {
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\0': '\uFFFD',
}

const JS: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '"': '\\"' }

const hex = (char: string): string => char.charCodeAt(0).toString(16).toUpperCase()
const unicodeEscape = (char: string): string => `\\u${hex(char).padStart(4, '0')}`
const percentEscape = (char: string): string => `%${hex(char)}`

function compare(a: unknown, b: unknown): number {
  const [x, y] = [a as string | number, b as string | number]
  return x < y ? -1 : x > y ? 1 : 0
}

const VERB = /%[-+# 0]*(\d*)(?:\.(\d+))?([a-zA-Z%])/g

/** Go's printf, with the verbs that templates use. */
function printf(format: unknown, ...args: readonly unknown[]): string {
  let next = 0
  return text(format).replace(VERB, (verb, width: string, precision: string | undefined, letter: string) => {
    if (letter === '%') return '%'
    const value = args[next++]
    const shown = formatVerb(letter, value, precision)
    const size = Number(width || 0)
    return verb.includes('-') ? shown.padEnd(size) : shown.padStart(size, verb.startsWith('%0') ? '0' : ' ')
  })
}

function formatVerb(letter: string, value: unknown, precision: string | undefined): string {
  if (letter === 'T') return typeName(value)
  if (letter === 'q') return JSON.stringify(text(value))
  if (letter === 'x') return typeof value === 'number' ? value.toString(16) : Buffer.from(text(value)).toString('hex')
  if (letter === 'f') return Number(value).toFixed(precision === undefined ? 6 : Number(precision))
  const shown = goText(value)
  return letter === 's' && precision !== undefined ? shown.slice(0, Number(precision)) : shown
}

const print = (...args: readonly unknown[]): string => args.map(text).join('')

/** Those of Go's text/template and those that docker adds. */
export const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  and: (...args) => args.find(value => !isTruthy(value)) ?? args.at(-1),
  or: (...args) => args.find(isTruthy) ?? args.at(-1),
  not: value => !isTruthy(value),
  len: lengthOf,
  index: indexWith(() => ''),
  slice,
  eq: (first, ...others) => others.includes(first),
  ne: (a, b) => a !== b,
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  print,
  println: (...args) => `${args.map(text).join(' ')}\n`,
  printf,
  html: (...args) => print(...args).replace(/["'&<>\0]/g, char => HTML[char] ?? char),
  js: (...args) => print(...args).replace(/[\\'"<>&=\p{C}]/gu, char => JS[char] ?? unicodeEscape(char)),
  urlquery: (...args) =>
    encodeURIComponent(print(...args))
      .replaceAll('%20', '+')
      .replace(/[!'()*]/g, percentEscape),
  json: value => JSON.stringify(value ?? null),
  // docker-machine's.
  prettyjson: value => JSON.stringify(value ?? null, undefined, 4),
  split: (value, separator) => text(value).split(text(separator)),
  join: (list, separator) => (Array.isArray(list) ? list.map(text).join(text(separator)) : ''),
  title: value =>
    text(value).replace(/(^|\s)(\S)/g, (_all, blank: string, letter: string) => blank + letter.toUpperCase()),
  lower: value => text(value).toLowerCase(),
  upper: value => text(value).toUpperCase(),
  pad: (value, before, after) => {
    const shown = text(value)
    return shown === '' ? '' : `${' '.repeat(Number(before))}${shown}${' '.repeat(Number(after))}`
  },
  truncate: (value, length) => Array.from(text(value)).slice(0, Number(length)).join(''),
}
