import { invalidInput } from '../core/errors.ts'
import type { Shape, ShapeTable, SimpleShape } from './create-shapes.ts'

const EXPECTED: Readonly<Record<SimpleShape, string>> = {
  text: 'a string',
  texts: 'a list of strings',
  words: 'a string or a list of strings',
  flag: 'true or false',
  integer: 'a whole number',
  integers: 'a list of whole numbers',
  strings: 'an object with strings',
  set: 'an object',
}
const INT64_MAX = 2 ** 63

/**
 * Reads an object as Docker does: names of fields in any case, null is as good as absent, and fields it does not know are
 * not looked at. Throws 400 naming the field whose value is of another kind.
 */
export function readFields(value: object, table: ShapeTable, path = ''): Record<string, unknown> {
  const read: [string, unknown][] = []
  for (const [given, field] of Object.entries(value)) {
    const name = Object.hasOwn(table, given) ? given : nameIn(table, given)
    const shape = name === undefined ? undefined : table[name]
    if (field === null || field === undefined) continue
    if (name === undefined || shape === undefined) read.push([given, field])
    else read.push([name, readValue(field, shape, path === '' ? name : `${path}.${name}`)])
  }
  return Object.fromEntries(read)
}

function nameIn(table: ShapeTable, given: string): string | undefined {
  const lower = given.toLowerCase()
  return Object.keys(table).find(name => name.toLowerCase() === lower)
}

function readValue(value: unknown, shape: Shape, path: string): unknown {
  if (typeof shape === 'string') return readSimple(value, shape, path)
  if ('listOf' in shape) {
    if (!Array.isArray(value)) return refuse(path, 'a list')
    return value.filter(item => item !== null).map((item, index) => readValue(item, shape.listOf, `${path}[${index}]`))
  }
  if (!isObject(value)) return refuse(path, 'an object')
  if ('fields' in shape) return readFields(value, shape.fields, path)
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    item === null ? null : readValue(item, shape.mapOf, `${path}.${key}`),
  ])
  return Object.fromEntries(entries)
}

function readSimple(value: unknown, shape: SimpleShape, path: string): unknown {
  if (shape === 'strings') return readStrings(value, path)
  const read = shape === 'words' && typeof value === 'string' ? [value] : nullsAsEmpty(value)
  return SIMPLE[shape](read) ? read : refuse(path, EXPECTED[shape])
}

const SIMPLE: Readonly<Record<Exclude<SimpleShape, 'strings'>, (value: unknown) => boolean>> = {
  text: isText,
  flag: value => typeof value === 'boolean',
  integer: isInteger,
  integers: value => Array.isArray(value) && value.every(isInteger),
  words: value => Array.isArray(value) && value.every(isText),
  texts: value => Array.isArray(value) && value.every(isText),
  set: isObject,
}

function nullsAsEmpty(value: unknown): unknown {
  return Array.isArray(value) ? value.map((item: unknown) => item ?? '') : value
}

function readStrings(value: unknown, path: string): unknown {
  if (!isObject(value)) return refuse(path, EXPECTED.strings)
  const entries = Object.entries(value).map(([key, text]) => [key, text === null ? '' : (text as unknown)])
  const bad = entries.find(([, text]) => typeof text !== 'string')
  return bad === undefined ? Object.fromEntries(entries) : refuse(`${path}.${String(bad[0])}`, EXPECTED.text)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isInteger(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= INT64_MAX
}

function refuse(path: string, expected: string): never {
  throw invalidInput('BAD_FIELD', `invalid value for ${path}: expected ${expected}`)
}
