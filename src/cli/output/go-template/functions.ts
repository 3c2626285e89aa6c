import { goText, isTruthy } from './text.ts'

export type TemplateFunction = (...args: readonly unknown[]) => unknown

const text = (value: unknown): string => (typeof value === 'string' ? value : goText(value))

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.length
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0
}

function index(value: unknown, ...keys: readonly unknown[]): unknown {
  return keys.reduce<unknown>((at, key) => {
    if (Array.isArray(at) && typeof key === 'number') {
      if (key < 0 || key >= at.length) throw new RangeError(`error calling index: index out of range: ${key}`)
      return at[key] as unknown
    }
    if (typeof at !== 'object' || at === null) throw new RangeError('error calling index: index of untyped nil')
    const name = text(key)
    return Object.hasOwn(at, name) ? (at as Readonly<Record<string, unknown>>)[name] : ''
  }, value)
}

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
  index,
  eq: (first, ...others) => others.includes(first),
  ne: (a, b) => a !== b,
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  print,
  println: (...args) => `${args.map(text).join(' ')}\n`,
  printf,
  json: value => JSON.stringify(value ?? null),
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
