import { posix } from 'node:path'
import { buildForm, dependencies, named } from '../merge/forms.ts'
import { pathTable } from '../path-table.ts'
import { at, collect, type Report } from '../problem.ts'
import { asList, asText, asTree, fromEntries, isList, isTree, mapValues, type Path, type Tree } from '../tree.ts'
import { canonicalHosts } from './hosts.ts'
import { expandPort } from './ports.ts'
import { labelMap, listForm, modeText, sourceForm, textMap } from './scalars.ts'
import { shellWords } from './shell-words.ts'
import { parseShortVolume } from './short-volume.ts'

/** Turns one attribute into its long form. Throws RangeError with a reason. */
type Transform = (value: unknown) => unknown

const command: Transform = value => (typeof value === 'string' ? shellWords(value) : value)

const healthTest: Transform = value => (typeof value === 'string' ? ['CMD-SHELL', value] : value)

const volume: Transform = value => {
  const long = isTree(value) ? value : parseShortVolume(asText(value))
  const target = asText(long['target'])
  return target === '' ? long : { ...long, target: cleanTarget(target) }
}

/** `/data/` and `/data` are one place. */
function cleanTarget(target: string): string {
  if (/^[A-Za-z]:\\/.test(target)) return target
  return posix.normalize(target).replace(/(?<=.)\/$/, '')
}

const envFiles: Transform = value =>
  asList(value).map(entry => (isTree(entry) ? { required: true, ...entry } : { path: asText(entry), required: true }))

const withMode: Transform = value => {
  const entry = sourceForm(value)
  return entry['mode'] === undefined ? entry : { ...entry, mode: modeText(entry['mode']) }
}

const secret: Transform = value => {
  const entry = asTree(withMode(value))
  return { ...entry, target: entry['target'] ?? `/run/secrets/${asText(entry['source'])}` }
}

const device: Transform = value => {
  if (isTree(value)) return value
  const text = asText(value)
  // A device of the container device interface (`vendor.com/class=name`) has no target.
  if (text.includes('=') && !text.startsWith('/')) return { source: text, target: text, permissions: 'rwm' }
  const [source = '', target = '', permissions = 'rwm', ...rest] = text.split(':')
  if (rest.length > 0 || !/^[rwm]+$/.test(permissions)) {
    throw new RangeError(`invalid device "${text}": expected source[:target[:permissions]]`)
  }
  return { source, target: target === '' ? source : target, permissions }
}

const deviceRequest: Transform = value => {
  if (!isTree(value)) return value
  if (value['count'] !== undefined && value['device_ids'] !== undefined) {
    throw new RangeError('"count" and "device_ids" attributes are exclusive')
  }
  const count = value['count'] === 'all' ? -1 : value['count'] === undefined ? undefined : Number(value['count'])
  if (count !== undefined && !Number.isInteger(count)) {
    throw new RangeError(`invalid count "${asText(value['count'])}": expected a whole number or all`)
  }
  return {
    ...value,
    ...(value['options'] === undefined ? {} : { options: labelMap(value['options']) }),
    ...(count === undefined ? (value['device_ids'] === undefined ? { count: -1 } : {}) : { count }),
  }
}

const gpus: Transform = value => (value === 'all' ? [{ count: -1 }] : isList(value) ? value.map(deviceRequest) : value)

const ssh: Transform = value => {
  if (isTree(value)) {
    return Object.entries(value).map(([id, path]) => (asText(path) === '' ? id : `${id}=${asText(path)}`))
  }
  return listForm(value)
}

const external: Transform = value => {
  if (!isTree(value)) return value
  const inner = value['external']
  if (!isTree(inner)) return value
  if (inner['name'] !== undefined && value['name'] !== undefined && inner['name'] !== value['name']) {
    throw new RangeError('name and external.name conflict; only use name')
  }
  return { ...value, external: true, ...(inner['name'] === undefined ? {} : { name: inner['name'] }) }
}

const flat: Transform = value => (isList(value) ? value.flat() : value)

const cpus: Transform = value => {
  if (typeof value !== 'string') return value
  if (!/^\d*\.?\d+$/.test(value)) throw new RangeError(`invalid number of cpus "${value}": expected one such as 0.5`)
  return Number(value)
}

const hook: Transform = value => {
  if (!isTree(value)) return value
  const changed = [
    ['command', command(value['command'])],
    ['environment', textMap(value['environment'])],
  ] as const
  return fromEntries([...Object.entries(value), ...changed])
}

/** An option of a provider may be given many times: each is a list. */
const optionLists: Transform = value => (isTree(value) ? mapValues(value, option => asList(option).map(asText)) : value)

const driverOptions: Transform = value => (isTree(value) ? mapValues(value, asText) : value)

const ROWS: readonly (readonly [pattern: string, transform: Transform])[] = [
  ['configs.*', external],
  ['configs.*.labels', labelMap],
  ['networks.*', external],
  ['networks.*.driver_opts', driverOptions],
  ['networks.*.labels', labelMap],
  ['secrets.*', external],
  ['secrets.*.labels', labelMap],
  ['secrets.*.driver_opts', driverOptions],
  ['services.*.annotations', labelMap],
  ['services.*.build', buildForm],
  ['services.*.build.additional_contexts', labelMap],
  ['services.*.build.args', textMap],
  ['services.*.build.cache_from', listForm],
  ['services.*.build.extra_hosts', canonicalHosts],
  ['services.*.build.labels', labelMap],
  ['services.*.build.no_cache_filter', listForm],
  ['services.*.build.provenance', asText],
  ['services.*.build.sbom', asText],
  ['services.*.build.secrets.*', withMode],
  ['services.*.build.ssh', ssh],
  ['services.*.command', command],
  ['services.*.configs.*', withMode],
  ['services.*.credential_spec', value => value],
  ['services.*.depends_on', dependencies],
  ['services.*.deploy.labels', labelMap],
  ['services.*.deploy.resources.limits.cpus', cpus],
  ['services.*.deploy.resources.reservations.cpus', cpus],
  ['services.*.deploy.resources.reservations.devices.*', deviceRequest],
  ['services.*.develop.watch.*.exec', hook],
  ['services.*.develop.watch.*.ignore', listForm],
  ['services.*.develop.watch.*.include', listForm],
  ['services.*.devices.*', device],
  ['services.*.dns', listForm],
  ['services.*.dns_opt', listForm],
  ['services.*.dns_search', listForm],
  ['services.*.entrypoint', command],
  ['services.*.env_file', envFiles],
  ['services.*.environment', textMap],
  ['services.*.expose', value => (isList(value) ? value.map(asText) : value)],
  ['services.*.extra_hosts', canonicalHosts],
  ['services.*.gpus', gpus],
  ['services.*.group_add', value => (isList(value) ? value.map(asText) : value)],
  ['services.*.healthcheck.test', healthTest],
  ['services.*.label_file', listForm],
  ['services.*.labels', labelMap],
  ['services.*.logging.options', driverOptions],
  ['services.*.models', named],
  ['services.*.networks', named],
  ['services.*.networks.*.driver_opts', driverOptions],
  ['services.*.ports', flat],
  ['services.*.ports.*', expandPort],
  ['services.*.provider.options', optionLists],
  ['services.*.post_start.*', hook],
  ['services.*.pre_start.*', hook],
  ['services.*.pre_stop.*', hook],
  ['services.*.secrets.*', secret],
  ['services.*.storage_opt', driverOptions],
  ['services.*.sysctls', labelMap],
  ['services.*.tmpfs', listForm],
  ['services.*.volumes.*', volume],
  ['services.*.volumes.*.volume.labels', labelMap],
  ['volumes.*', external],
  ['volumes.*.driver_opts', driverOptions],
  ['volumes.*.labels', labelMap],
]

const TABLE = pathTable(ROWS)

/** The paths that are rewritten, for tests. */
export const CANONICAL_PATTERNS: readonly string[] = ROWS.map(([pattern]) => pattern)

interface CanonicalOptions {
  readonly tolerant: boolean
  readonly report: Report
}

/**
 * Turns every short syntax into its long form, so that later phases meet one shape. With `tolerant`, what cannot be read stays
 * as it was written (a port that is still a variable); otherwise it is reported.
 */
export function canonicalise(model: Tree, { tolerant, report }: CanonicalOptions): Tree {
  const transform = (rule: Transform, value: unknown, path: Path): unknown => {
    if (value === undefined) return value
    return collect(report, value, () => {
      try {
        return rule(value)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        if (tolerant) return value
        throw at(path, `: ${error.message}`)
      }
    })
  }
  return dropEmptyDns(TABLE.rebuild(model, transform) as Tree)
}

/** A variable that is not set must not leave a blank name server behind. */
function dropEmptyDns(model: Tree): Tree {
  const services = model['services']
  if (!isTree(services)) return model
  return {
    ...model,
    services: mapValues(services, service => {
      if (!isTree(service)) return service
      const clean = (list: unknown): unknown => (isList(list) ? list.filter(entry => entry !== '') : list)
      return mapValues(service, (value, key) => (/^dns(_search|_opt)?$/.test(key) ? clean(value) : value))
    }),
  }
}
