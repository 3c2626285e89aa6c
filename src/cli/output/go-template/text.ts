import type { GoTypes } from './go-types.ts'

/** A value as Go prints it with `%v`: `[a b]`, `map[k:v]`, `<nil>`; of what is no map by its types `{a b}`. */
export function goText(value: unknown, types?: GoTypes): string {
  return value === undefined ? '<no value>' : inner(value, types)
}

function inner(value: unknown, types: GoTypes | undefined): string {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return `[${value.map(item => inner(item, types)).join(' ')}]`
  if (typeof value === 'object') {
    if (types !== undefined && !types.isMap(value)) {
      return `{${Object.values(value)
        .map(item => inner(item, types))
        .join(' ')}}`
    }
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return `map[${entries.map(([key, item]) => `${key}:${inner(item, types)}`).join(' ')}]`
  }
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value)
}

/** What an `if` takes for false: nothing, zero, the empty text, list and map. */
export function isTruthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}
