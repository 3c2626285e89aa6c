/** Texts that are another one for each engine, such as its directory, and the words that stand for them. */
export type RunNames = ReadonlyMap<string, string>

const ZERO_TIME = '0001-01-01T00:00:00Z'
const TIME = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d\d:?\d\d( [A-Z]+)?|Z)?/g
/** Counters, sizes of what the kernel keeps, and instants, by the name of their field. */
const NUMBER_FIELDS = new Set(['Pid', 'Created', 'time', 'timeNano', 'HostPort', 'PublicPort', 'NFd', 'NGoroutines'])

/** A value as JSON has them, with ids, instants, process ids and paths of this run replaced. */
export function normalise(value: unknown, names: RunNames, key = ''): unknown {
  if (typeof value === 'string') return normaliseText(value, names, key)
  if (typeof value === 'number') return NUMBER_FIELDS.has(key) && value > 0 ? `<${key}>` : value
  if (Array.isArray(value)) return inOrder(value, key).map(item => normalise(item, names, key))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, item]) => [
    normaliseText(name, names, ''),
    normalise(item, names, name),
  ])
  return Object.fromEntries(entries)
}

/** Docker gives these in the order of a map, which is chance. */
const ORDERED_BY: Readonly<Record<string, string>> = { Mounts: 'Destination', Ports: 'PrivatePort' }

function inOrder(items: readonly unknown[], key: string): readonly unknown[] {
  const field = ORDERED_BY[key]
  if (field === undefined) return items
  const rank = (item: unknown): string => String((item as Readonly<Record<string, unknown>>)[field])
  return items.toSorted((a, b) => rank(a).localeCompare(rank(b)))
}

function normaliseText(text: string, names: RunNames, key = ''): string {
  if (NUMBER_FIELDS.has(key) && /^[1-9]\d*$/.test(text)) return `<${key}>`
  const renamed = [...names].reduce((result, [from, to]) => result.replaceAll(from, to), text)
  return (
    renamed
      .replaceAll(TIME, time => (time === ZERO_TIME ? time : '<time>'))
      // Which address of the default network is next depends on what ran before.
      .replaceAll(/\b172\.17\.0\.(?!1\b)\d+\b/g, '172.17.0.<n>')
      .replaceAll(/\b02:42:ac:11(:[0-9a-f]{2}){2}\b/g, '02:42:ac:11:<n>')
      .replaceAll(/(sha256:)?\b[0-9a-f]{64}\b/g, id => (id.startsWith('sha') ? '<digest>' : '<id>'))
      .replaceAll(/(?<![0-9a-f.:])[0-9a-f]{12}(?![0-9a-f.:])/g, '<short id>')
  )
}
