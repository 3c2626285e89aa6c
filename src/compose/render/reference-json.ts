import { pathTable } from '../path-table.ts'
import { fromEntries, isTree, type Tree } from '../tree.ts'

/** The whole of a mapping, spelled otherwise. */
type Spelling = (value: Tree) => Tree

const capitals: Spelling = value =>
  fromEntries(Object.entries(value).map(([key, field]) => [`${key.slice(0, 1).toUpperCase()}${key.slice(1)}`, field]))

const withoutZeros: Spelling = value => fromEntries(Object.entries(value).filter(([, field]) => field !== 0))

const TABLE = pathTable<Spelling>([
  ['services.*.blkio_config.*.*', capitals],
  ['services.*.deploy', value => ({ placement: {}, resources: {}, ...value })],
  ['services.*.develop.watch.*', value => ({ exec: { command: null }, ...value })],
  ['services.*.ulimits.*', withoutZeros],
])

/**
 * The printed model as `docker compose config --format json` spells it, where that differs from its YAML: block I/O entries
 * have capital keys, a limit of zero is left out, some sections are always there. Programs that read this JSON know it so.
 */
export function referenceJson(output: Tree): Tree {
  return TABLE.rebuild(output, (spell, value) => (isTree(value) ? spell(value) : value)) as Tree
}
