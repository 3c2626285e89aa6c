import { pathTable } from '../path-table.ts'
import { at } from '../problem.ts'
import { asList, fromEntries, isList, isTree, type Path, type Tree } from '../tree.ts'
import { buildForm, dependencies, hostList, keyValues, named } from './forms.ts'

type Merge = (base: unknown, over: unknown, path: Path) => unknown

const replace: Merge = (_base, over) => over
const append: Merge = (base, over) => [...asList(base), ...asList(over)]
const converted =
  (convert: (value: unknown) => unknown): Merge =>
  (base, over, path) =>
    mergeDeep(convert(base), convert(over), path)

/** Here a key without a value says something, and replaces a value. */
const byKey: Merge = (base, over, path) => {
  const [below, above] = [keyValues(base), keyValues(over)]
  if (!isTree(below) || !isTree(above)) return mergeDeep(below, above, path)
  return fromEntries([...Object.entries(below), ...Object.entries(above)])
}

const byName = converted(named)

/** Options of another log driver would mean nothing to the new one. */
const mergeLogging: Merge = (base, over, path) => {
  if (!isTree(base) || !isTree(over)) return mergeDeep(base, over, path)
  const sameDriver = over['driver'] === undefined || base['driver'] === undefined || over['driver'] === base['driver']
  return sameDriver ? mergeDeep(base, over, path) : over
}

const mergeSubnets: Merge = (base, over, path) => {
  if (!isList(base) || !isList(over)) return mergeDeep(base, over, path)
  const merged = [...base]
  for (const entry of over) {
    const same = merged.findIndex(item => isTree(item) && isTree(entry) && item['subnet'] === entry['subnet'])
    if (same < 0) merged.push(entry)
    else merged[same] = mergeDeep(merged[same], entry, path)
  }
  return merged
}

const mergeHosts: Merge = (base, over) => [...new Set([...asList(hostList(base)), ...asList(hostList(over))])]

/** What is not merged by kind (maps deeply, lists appended, scalars replaced). A null wipes what is replaced. */
const REPLACED = pathTable<true>([
  ['services.*.command', true],
  ['services.*.entrypoint', true],
  ['services.*.healthcheck.test', true],
])

const RULES = pathTable<Merge>([
  ['networks.*.ipam.config', mergeSubnets],
  ['networks.*.labels', byKey],
  ['volumes.*.labels', byKey],
  ['services.*.annotations', byKey],
  ['services.*.build', converted(buildForm)],
  ['services.*.build.additional_contexts', byKey],
  ['services.*.build.args', byKey],
  ['services.*.build.extra_hosts', mergeHosts],
  ['services.*.build.labels', byKey],
  ['services.*.build.ssh', byKey],
  ['services.*.command', replace],
  ['services.*.depends_on', converted(dependencies)],
  ['services.*.deploy.labels', byKey],
  ['services.*.dns', append],
  ['services.*.dns_opt', append],
  ['services.*.dns_search', append],
  ['services.*.entrypoint', replace],
  ['services.*.env_file', append],
  ['services.*.environment', byKey],
  ['services.*.extra_hosts', mergeHosts],
  ['services.*.healthcheck.test', replace],
  ['services.*.label_file', append],
  ['services.*.labels', byKey],
  ['services.*.logging', mergeLogging],
  ['services.*.models', byName],
  ['services.*.networks', byName],
  ['services.*.sysctls', byKey],
  ['services.*.tmpfs', append],
  ['services.*.ulimits.*', replace],
  ['services.*.volumes.*.volume.labels', byKey],
])

/** Puts one model over another. Throws PathError where their kinds do not go together. */
export function merge(base: unknown, over: unknown, path: Path = []): unknown {
  if (base === undefined) return over
  if (over === undefined) return base
  if (over === null) return REPLACED.find(path) === undefined ? base : null
  if (base === null) return over
  return (RULES.find(path) ?? mergeDeep)(base, over, path)
}

function mergeDeep(base: unknown, over: unknown, path: Path): unknown {
  if (over === null || over === undefined) return base
  if (base === null || base === undefined) return over
  if (isTree(base) && isTree(over)) return mergeMaps(base, over, path)
  if (isList(base) && isList(over)) return [...base, ...over]
  if (typeof base === 'object' || typeof over === 'object') {
    throw at(path, `: cannot override ${kindOf(base)} with ${kindOf(over)}`)
  }
  return over
}

function mergeMaps(base: Tree, over: Tree, path: Path): Tree {
  const keys = new Set([...Object.keys(base), ...Object.keys(over)])
  return fromEntries([...keys].map(key => [key, merge(ownField(base, key), ownField(over, key), [...path, key])]))
}

function ownField(tree: Tree, key: string): unknown {
  return Object.hasOwn(tree, key) ? tree[key] : undefined
}

function kindOf(value: unknown): string {
  return isList(value) ? 'a list' : isTree(value) ? 'a mapping' : 'a single value'
}
