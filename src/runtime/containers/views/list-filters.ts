import { invalidInput } from '../../../core/errors.ts'
import type { ContainerState, ContainerSummary, Filters, PortSummary } from '../../../docker-api/index.ts'
import { labelMatches } from '../../label-matches.ts'
import type { ContainerRecord } from '../record.ts'

/** What filters look at. */
export interface Listed {
  readonly record: ContainerRecord
  readonly state: ContainerState
  readonly summary: ContainerSummary
}

export interface FilterContext {
  /** Ids of the images that an `ancestor` value names. */
  readonly imageIds: ReadonlyMap<string, string>
  readonly find: (reference: string) => ContainerRecord
}

type Test = (listed: Listed, value: string, context: FilterContext) => boolean

const TESTS: Readonly<Record<string, Test>> = {
  id: ({ record }, value) => record.id.startsWith(value),
  name: ({ record }, value) => nameMatches(record.name, value),
  label: ({ record }, value) => labelMatches(record.config.Labels ?? {}, value),
  status: ({ state }, value) => state.Status === value,
  ancestor: ({ record }, value, { imageIds }) =>
    record.imageName === value || record.imageId === imageIds.get(value) || record.imageId === `sha256:${value}`,
  network: ({ summary }, value) =>
    Object.entries(summary.NetworkSettings.Networks).some(
      ([name, { NetworkID }]) => name === value || (value !== '' && NetworkID.startsWith(value)),
    ),
  volume: ({ record }, value) =>
    record.mounts.some(({ point }) => point.Name === value || point.Destination === value || point.Source === value),
  health: ({ state }, value) => (state.Health?.Status ?? 'none') === value,
  exited: ({ state }, value) => state.Status === 'exited' && state.ExitCode === Number(value),
  before: ({ record }, value, { find }) => record.createdMs < find(value).createdMs,
  since: ({ record }, value, { find }) => record.createdMs > find(value).createdMs,
  // A container of a swarm's task, which these never are.
  'is-task': (_listed, value) => !readBoolean('is-task', value),
  isolation: () => true,
  publish: ({ summary }, value) => hasPort(summary.Ports, 'PublicPort', readPorts('publish', value)),
  expose: ({ summary }, value) => hasPort(summary.Ports, 'PrivatePort', readPorts('expose', value)),
}
/** Either of them is enough. */
const PORT_KEYS = ['publish', 'expose']

/** Keys whose values must all be there. */
const ALL_VALUES = ['label']
const HEALTHS = ['none', 'starting', 'healthy', 'unhealthy']
const STATUSES = ['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead']

/** Refuses filters docker does not know, and values that cannot match. */
export function checkFilters(filters: Filters): void {
  for (const [key, values] of Object.entries(filters)) {
    if (TESTS[key] === undefined) throw invalidInput('BAD_FILTER', `Invalid filter '${key}'`)
    for (const value of values) {
      if (key === 'status' && !STATUSES.includes(value)) {
        throw invalidInput('BAD_FILTER', `Invalid filter 'status=${value}'`)
      }
      if (key === 'exited' && !/^-?\d+$/.test(value))
        throw invalidInput('BAD_FILTER', `Invalid filter 'exited=${value}'`)
      if (key === 'health' && !HEALTHS.includes(value)) {
        throw invalidInput('BAD_FILTER', `Unrecognised filter value for health: ${value}`)
      }
      if (key === 'is-task') readBoolean(key, value)
      if (PORT_KEYS.includes(key)) readPorts(key, value)
    }
  }
}

/** Whether a container passes: one value of each key, but all labels. */
export function passesFilters(listed: Listed, filters: Filters, context: FilterContext): boolean {
  const set = Object.entries(filters).filter(([, values]) => values.length > 0)
  const passes = ([key, values]: readonly [string, readonly string[]]): boolean => {
    const test = (value: string): boolean => TESTS[key]?.(listed, value, context) ?? true
    return ALL_VALUES.includes(key) ? values.every(test) : values.some(test)
  }
  const ports = set.filter(([key]) => PORT_KEYS.includes(key))
  return set.every(entry => ports.includes(entry) || passes(entry)) && (ports.length === 0 || ports.some(passes))
}

/** A filter that asks for containers that do not run: with it, `all` is implied. */
export function impliesAll(filters: Filters): boolean {
  return (filters['status'] ?? []).length > 0
}

function readBoolean(key: string, value: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true
  if (/^(0|f|false)$/i.test(value)) return false
  throw invalidInput('BAD_FILTER', `Invalid filter '${key}=[${value}]'`)
}

interface PortRange {
  readonly from: number
  readonly to: number
  readonly type: string
}

/** `80`, `80-90`, `53/udp`. */
function readPorts(key: string, value: string): PortRange {
  const [, first, last = first, type = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(value) ?? []
  const range = { from: Number(first), to: Number(last), type: type.toLowerCase() }
  if (first !== undefined && range.from <= range.to && range.to <= 65_535) return range
  throw invalidInput(
    'BAD_FILTER',
    `error while looking up for ${key} ${value}: expected a port or a range of ports, and /udp if it is not tcp`,
  )
}

function hasPort(
  ports: readonly PortSummary[],
  side: 'PublicPort' | 'PrivatePort',
  { from, to, type }: PortRange,
): boolean {
  return ports.some(port => {
    const number = port[side]
    return number !== undefined && port.Type === type && number >= from && number <= to
  })
}

/** Docker reads names as regular expressions that may match with or without the leading slash. */
function nameMatches(name: string, value: string): boolean {
  if (value === name || value === `/${name}`) return true
  try {
    const expression = new RegExp(value)
    return expression.test(`/${name}`) || expression.test(name)
  } catch {
    return name.includes(value)
  }
}
