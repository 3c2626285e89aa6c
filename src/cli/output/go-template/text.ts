/** A value as Go prints it with `%v`: `[a b]`, `map[k:v]`, `<nil>`. */
export function goText(value: unknown): string {
  if (value === undefined) return '<no value>'
  return inner(value)
}

function inner(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return `[${value.map(inner).join(' ')}]`
  if (typeof value === 'object') {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return `map[${entries.map(([key, item]) => `${key}:${inner(item)}`).join(' ')}]`
  }
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value)
}

/** What an `if` takes for false: nothing, zero, the empty text, list and map. */
export function isTruthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}
