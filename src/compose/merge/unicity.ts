import { posix } from 'node:path'
import { parseShortVolume } from '../canonical/short-volume.ts'
import { pathTable } from '../path-table.ts'
import { asText, isList, isTree } from '../tree.ts'

/** What makes two entries of a list the same entry. */
type KeyOf = (entry: unknown) => string

/** Of `KEY=value` the key; other texts are their own key. */
const byKey: KeyOf = entry => (isTree(entry) ? JSON.stringify(entry) : (asText(entry).split('=')[0] ?? ''))

const byPort: KeyOf = entry =>
  isTree(entry)
    ? JSON.stringify([
        entry['host_ip'] ?? '0.0.0.0',
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
  ['networks.*.labels', byKey],
  ['services.*.annotations', byKey],
  ['services.*.build.additional_contexts', byKey],
  ['services.*.build.args', byKey],
  ['services.*.build.labels', byKey],
  ['services.*.build.tags', byKey],
  ['services.*.cap_add', byKey],
  ['services.*.cap_drop', byKey],
  ['services.*.configs', byFileTarget('/')],
  ['services.*.deploy.labels', byKey],
  ['services.*.devices', byDeviceTarget],
  ['services.*.dns', byKey],
  ['services.*.dns_opt', byKey],
  ['services.*.dns_search', byKey],
  ['services.*.env_file', byPath],
  ['services.*.environment', byKey],
  ['services.*.expose', byKey],
  ['services.*.labels', byKey],
  ['services.*.links', byKey],
  ['services.*.networks.*.aliases', byKey],
  ['services.*.networks.*.link_local_ips', byKey],
  ['services.*.ports', byPort],
  ['services.*.profiles', byKey],
  ['services.*.secrets', byFileTarget('/run/secrets/')],
  ['services.*.sysctls', byKey],
  ['services.*.tmpfs', byKey],
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
