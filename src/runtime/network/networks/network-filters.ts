import { invalidInput } from '../../../core/errors.ts'
import { labelMatches } from '../../../core/label-matches.ts'
import { parseMoment } from '../../../core/moment.ts'
import type { Filters } from '../../../docker-api/index.ts'
import { isPredefined, type LocalNetwork, labelsOf, shownDriver } from './local-network.ts'

const LIST_KEYS = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type', 'idOrName']
const PRUNE_KEYS = ['label', 'label!', 'until']
const YES = ['true', '1', 'True', 'TRUE', 't', 'T']
const NO = ['false', '0', 'False', 'FALSE', 'f', 'F']

function checkKeys(filters: Filters, known: readonly string[]): void {
  const odd = Object.keys(filters).find(key => !known.includes(key))
  if (odd !== undefined) throw invalidInput('BAD_FILTER', `Invalid filter '${odd}'`)
}

/** Docker's filters of `network ls`: of one key any value, of several keys all. Throws BAD_FILTER. */
export function listFilter(
  filters: Filters,
  isUsed: (network: LocalNetwork) => boolean,
): (network: LocalNetwork) => boolean {
  checkKeys(filters, LIST_KEYS)
  for (const value of filters['type'] ?? []) {
    if (value !== 'custom' && value !== 'builtin') {
      throw invalidInput('BAD_FILTER', `invalid filter: 'type'='${value}'`)
    }
  }
  const dangling = readDangling(filters['dangling'])
  const any = (key: string, test: (value: string) => boolean): boolean => {
    const values = filters[key] ?? []
    return values.length === 0 || values.some(test)
  }
  return network =>
    any('name', value => network.name.includes(value)) &&
    any('id', value => network.id.startsWith(value)) &&
    any('idOrName', value => network.id === value || network.name === value) &&
    any('driver', value => shownDriver(network) === value) &&
    any('scope', value => value === 'local') &&
    any('type', value => (value === 'builtin') === isPredefined(network.name)) &&
    (filters['label'] ?? []).every(value => labelMatches(labelsOf(network), value)) &&
    (dangling === undefined || dangling === (!isPredefined(network.name) && !isUsed(network)))
}

function readDangling(values: readonly string[] | undefined): boolean | undefined {
  if (values === undefined || values.length === 0) return undefined
  const [value = '', second] = values
  if (second === undefined && [...YES, ...NO].includes(value)) return YES.includes(value)
  throw invalidInput(
    'BAD_FILTER',
    'invalid value for filter \'dangling\', must be "true" (or "1"), or "false" (or "0")',
  )
}

/** Which networks `network prune` may take, if nobody uses them. Throws BAD_FILTER. */
export function pruneFilter(filters: Filters, nowMs: number): (network: LocalNetwork) => boolean {
  checkKeys(filters, PRUNE_KEYS)
  const limits = (filters['until'] ?? []).map(value => parseMoment(value, nowMs))
  return network =>
    !isPredefined(network.name) &&
    (filters['label'] ?? []).every(value => labelMatches(labelsOf(network), value)) &&
    !(filters['label!'] ?? []).some(value => labelMatches(labelsOf(network), value)) &&
    limits.every(limit => Date.parse(network.createdAt) < limit)
}
