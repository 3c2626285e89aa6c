/** What differs between any two runs of one engine, and so says nothing about it: replaced by a word. */
export interface RunNames {
  /** Its directory on this machine. */
  readonly dataRoot: string
  /** Values to keep as they are although they look random: digests of images that both engines were given. */
  readonly keep: ReadonlySet<string>
}

const ZERO_TIME = '0001-01-01T00:00:00Z'
const TIME = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d\d:?\d\d( [A-Z]+)?|Z)?/g
/** Counters, sizes of what the kernel keeps, and instants, by the name of their field. */
const NUMBER_FIELDS = new Set(['Pid', 'Created', 'time', 'timeNano', 'HostPort', 'PublicPort', 'NFd', 'NGoroutines'])

/** A value as JSON has them, with ids, instants, process ids and paths of this run replaced. */
export function normalise(value: unknown, names: RunNames, key = ''): unknown {
  if (typeof value === 'string') return normaliseText(value, names, key)
  if (typeof value === 'number') return NUMBER_FIELDS.has(key) && value > 0 ? `<${key}>` : value
  if (Array.isArray(value)) return value.map((item: unknown) => normalise(item, names, key))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, item]) => [
    normaliseText(name, names, ''),
    normalise(item, names, name),
  ])
  return Object.fromEntries(entries)
}

export function normaliseText(text: string, { dataRoot, keep }: RunNames, key = ''): string {
  if (NUMBER_FIELDS.has(key) && /^[1-9]\d*$/.test(text)) return `<${key}>`
  return (
    text
      .replaceAll(TIME, time => (time === ZERO_TIME ? time : '<time>'))
      .replaceAll(dataRoot, '<data>')
      // Which address of the default network is next depends on what ran before.
      .replaceAll(/\b172\.17\.0\.(?!1\b)\d+\b/g, '172.17.0.<n>')
      .replaceAll(/\b02:42:ac:11(:[0-9a-f]{2}){2}\b/g, '02:42:ac:11:<n>')
      .replaceAll(/(sha256:)?\b[0-9a-f]{64}\b/g, id => (keep.has(id) ? id : id.startsWith('sha') ? '<digest>' : '<id>'))
      .replaceAll(/(?<![0-9a-f.:])[0-9a-f]{12}(?![0-9a-f.:])/g, id => (/[a-f]/.test(id) ? '<short id>' : id))
  )
}
