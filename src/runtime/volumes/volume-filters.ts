import { invalidInput } from '../../core/errors.ts'
import { labelMatches } from '../../core/label-matches.ts'
import type { Filters, VolumeInspect } from '../../docker-api/index.ts'

type FilterTest = (volume: VolumeInspect, value: string, inUse: boolean) => boolean

const LABEL_TESTS: Readonly<Record<string, FilterTest>> = {
  label: (volume, value) => labelMatches(volume.Labels ?? {}, value),
  'label!': (volume, value) => !labelMatches(volume.Labels ?? {}, value),
}

const LIST_TESTS: Readonly<Record<string, FilterTest>> = {
  ...LABEL_TESTS,
  name: (volume, value) => matchesName(volume.Name, value),
  driver: (volume, value) => volume.Driver === value,
  dangling: (_volume, value, inUse) => isTrue(value) === !inUse,
}

/** A pattern in Docker's way: a regular expression found anywhere, or the exact text if it is none. */
function matchesName(name: string, pattern: string): boolean {
  if (name === pattern) return true
  try {
    return new RegExp(pattern).test(name)
  } catch {
    return false
  }
}

const isTrue = (value: string): boolean => ['1', 't', 'true'].includes(value.toLowerCase())

/** What Docker reads as a boolean in a filter. */
export function readBooleanFilter(filters: Filters, name: string): boolean | undefined {
  const values = filters[name]
  if (values === undefined || values.length === 0) return undefined
  const bad = values.length > 1 || !/^(1|t|true|0|f|false)$/i.test(values[0] ?? '')
  if (bad) throw badFilter(`${name}=[${values.join(' ')}]`)
  return isTrue(values[0] ?? '')
}

function badFilter(what: string): Error {
  return invalidInput('BAD_FILTER', `invalid filter '${what}'`)
}

/** Volumes that all keys let through: values of one key are alternatives, but all labels must be there. Throws 400. */
export function volumeFilter(filters: Filters): (volume: VolumeInspect, inUse: boolean) => boolean {
  return compile(filters, LIST_TESTS, ['dangling'])
}

/** The same for a prune, where `all` is known too, and only labels choose. */
export function pruneFilter(filters: Filters): (volume: VolumeInspect) => boolean {
  readBooleanFilter(filters, 'all')
  const { all: _, ...rest } = filters
  const test = compile(rest, LABEL_TESTS, [])
  return volume => test(volume, false)
}

function compile(filters: Filters, tests: Readonly<Record<string, FilterTest>>, booleans: readonly string[]) {
  const unknown = Object.keys(filters).find(key => !Object.hasOwn(tests, key))
  if (unknown !== undefined) throw badFilter(unknown)
  for (const name of booleans) readBooleanFilter(filters, name)
  return (volume: VolumeInspect, inUse: boolean): boolean =>
    Object.entries(filters).every(([key, values]) => {
      const match = (value: string): boolean => tests[key]?.(volume, value, inUse) === true
      return values.length === 0 || (key.startsWith('label') ? values.every(match) : values.some(match))
    })
}
