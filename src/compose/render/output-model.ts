import { pathTable } from '../path-table.ts'
import { fromEntries, isList, isTree, type Path, rebuild, type Tree } from '../tree.ts'

const SECTIONS = ['name', 'services', 'networks', 'volumes', 'secrets', 'configs', 'models']

/** Keys that come first in their mapping, because people look for them there; the others follow by name. */
const LEADING = ['type', 'source', 'name', 'mode', 'host_ip', 'target', 'published', 'protocol', 'path', 'condition']

/** Attributes whose false is the same as not written. */
const FALSE_IS_NOTHING = new Set([
  'attachable',
  'disable',
  'external',
  'internal',
  'no_cache',
  'nocopy',
  'oom_kill_disable',
  'per_replica',
  'privileged',
  'pull',
  'read_only',
  'restart',
  'stdin_open',
  'tty',
  'use_api_socket',
])

/** Where an empty list, mapping or text says something. */
const EMPTY_MEANS = pathTable<true>([
  ['services', true],
  ['services.*.command', true],
  ['services.*.entrypoint', true],
  ['services.*.networks.*', true],
  ['services.*.models.*', true],
  ['services.*.volumes.*.bind', true],
  ['services.*.volumes.*.volume', true],
  ['services.*.volumes.*.tmpfs', true],
  ['services.*.volumes.*.image', true],
])

/** Sections that were written, though with nothing in them; a null is as good as not written. */
const EMPTY_SECTION = pathTable<true>([
  ['services.*.blkio_config', true],
  ['services.*.credential_spec', true],
  ['services.*.deploy', true],
  ['services.*.deploy.resources.limits', true],
  ['services.*.deploy.resources.reservations', true],
  ['services.*.deploy.restart_policy', true],
  ['services.*.deploy.rollback_config', true],
  ['services.*.deploy.update_config', true],
  ['services.*.develop', true],
  ['services.*.healthcheck', true],
  ['services.*.logging', true],
])

/** Mappings whose keys are the author's own: nothing in them is left out. */
const AUTHORED = pathTable<true>([
  ['services.*.annotations', true],
  ['services.*.build.additional_contexts', true],
  ['services.*.build.args', true],
  ['services.*.build.labels', true],
  ['services.*.deploy.labels', true],
  ['services.*.develop.watch.*.exec.environment', true],
  ['services.*.environment', true],
  ['services.*.labels', true],
  ['services.*.logging.options', true],
  ['services.*.post_start.*.environment', true],
  ['services.*.pre_start.*.environment', true],
  ['services.*.pre_stop.*.environment', true],
  ['services.*.storage_opt', true],
  ['services.*.sysctls', true],
  ['services.*.ulimits', true],
  ['networks.*.driver_opts', true],
  ['networks.*.labels', true],
  ['volumes.*.driver_opts', true],
  ['volumes.*.labels', true],
])

/** The model as `config` prints it: in a fixed order, without what says nothing. */
export function outputModel(model: Tree, { escapeDollars }: { readonly escapeDollars: boolean }): Tree {
  const cleaned = rebuild(model, (value, path) => cleanValue(value, path, escapeDollars)) as Tree
  const extensions = Object.keys(cleaned)
    .filter(key => key.startsWith('x-'))
    .sort()
  return fromEntries(
    [...SECTIONS, ...extensions].flatMap(key => {
      const value = cleaned[key]
      const empty = isTree(value) && Object.keys(value).length === 0 && key !== 'services' && !key.startsWith('x-')
      return value === undefined || empty ? [] : [[key, value] as const]
    }),
  )
}

function cleanValue(value: unknown, path: Path, escapeDollars: boolean): unknown {
  if (typeof value === 'string') return escapeDollars ? value.replaceAll('$', '$$$$') : value
  if (!isTree(value)) return value
  if (path.length === 0) return value
  const inExtension = path.some(key => key.startsWith('x-') && !isNameLevel(path, key))
  const entries = Object.entries(value).filter(
    ([key, field]) => inExtension || key.startsWith('x-') || saysSomething(field, [...path, key]),
  )
  return fromEntries(inExtension ? entries : sortEntries(entries, path))
}

/** Where a service names others. */
const REFERENCES = ['depends_on', 'networks', 'models']

/** A service may be called `x-…`: then it is no extension, nor is what refers to it. */
function isNameLevel(path: Path, key: string): boolean {
  if (path[1] === key) return SECTIONS.includes(path[0] ?? '')
  return path[3] === key && path[0] === 'services' && REFERENCES.includes(path[2] ?? '')
}

function saysSomething(value: unknown, path: Path): boolean {
  const key = path.at(-1) ?? ''
  const parent = path.slice(0, -1)
  if (AUTHORED.find(parent) === true || EMPTY_MEANS.find(path) === true || parent.length <= 1) return true
  if (value === null || value === '') return false
  if (value === false) return !FALSE_IS_NOTHING.has(key)
  if (value === true) return !(key === 'create_host_path' || (key === 'required' && path[2] === 'env_file'))
  if (value === '0' && (key === 'size' || key === 'shm_size')) return false
  return !isEmpty(value) || EMPTY_SECTION.find(path) === true
}

function isEmpty(value: unknown): boolean {
  return (isTree(value) || isList(value)) && Object.keys(value).length === 0
}

function sortEntries(entries: readonly (readonly [string, unknown])[], path: Path): (readonly [string, unknown])[] {
  const rank = (key: string): number =>
    path.length > 2 && LEADING.includes(key) ? LEADING.indexOf(key) : LEADING.length
  return [...entries].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0))
}
