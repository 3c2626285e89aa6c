import { posix } from 'node:path'
import { parseShortVolume } from '../canonical/short-volume.ts'
import { pathTable } from '../path-table.ts'
import { asText, isList, isTree } from '../tree.ts'

/** What makes two entries of a list the same entry. */
type KeyOf = (entry: unknown) => string

const byText: KeyOf = entry => (isTree(entry) ? JSON.stringify(entry) : asText(entry))

const byPort: KeyOf = entry =>
  isTree(entry)
    ? JSON.stringify([
        asText(entry['host_ip']),
        asText(entry['published']),
        asText(entry['target']),
        entry['protocol'] ?? 'tcp',
      ])
    : asText(entry)

const byVolumeTarget: KeyOf = entry => {
  if (isTree(entry)) return posix.normalize(`${asText(entry['target'])}/`)
  try {
    return posix.normalize(`${asText(parseShortVolume(asText(entry))['target'])}/`)
  } catch {
    return asText(entry)
  }
}

const byDeviceTarget: KeyOf = entry => {
  if (isTree(entry)) return asText(entry['target'])
  const [source = '', target] = asText(entry).split(':')
  return target ?? source
}

const byFileTarget =
  (folder: string): KeyOf =>
  entry => {
    if (!isTree(entry)) return `${folder}${asText(entry)}`
    return asText(entry['target'] ?? `${folder}${asText(entry['source'])}`)
  }

const byPath: KeyOf = entry => (isTree(entry) ? asText(entry['path']) : asText(entry))

const UNIQUE = pathTable<KeyOf>([
  ['services.*.build.tags', byText],
  ['services.*.cap_add', byText],
  ['services.*.cap_drop', byText],
  ['services.*.configs', byFileTarget('/')],
  ['services.*.devices', byDeviceTarget],
  ['services.*.dns', byText],
  ['services.*.dns_opt', byText],
  ['services.*.dns_search', byText],
  ['services.*.env_file', byPath],
  ['services.*.expose', byText],
  ['services.*.links', byText],
  ['services.*.networks.*.aliases', byText],
  ['services.*.networks.*.link_local_ips', byText],
  ['services.*.ports', byPort],
  ['services.*.profiles', byText],
  ['services.*.secrets', byFileTarget('/run/secrets/')],
  ['services.*.tmpfs', byText],
  ['services.*.volumes', byVolumeTarget],
])

/** Of entries that are the same, keeps the last one, in the place of the first. */
export function enforceUnicity(model: unknown): unknown {
  return UNIQUE.rebuild(model, (keyOf, value) => {
    if (!isList(value)) return value
    const kept = new Map<string, unknown>()
    for (const entry of value) kept.set(keyOf(entry), entry)
    return kept.size === value.length ? value : [...kept.values()]
  })
}
