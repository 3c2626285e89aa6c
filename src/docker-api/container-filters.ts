import { invalidInput } from '../core/errors.ts'
import { labelMatches } from '../core/label-matches.ts'
import type { ContainerStatus, HealthState, PortSummary } from './container-types.ts'
import type { Filters } from './engine.ts'

/** What the filters of `docker ps` look at. */
export interface FilteredContainer {
  readonly id: string
  /** Each without a slash in front. */
  readonly names: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly status: ContainerStatus | 'unknown'
  readonly exitCode: number
  readonly health: HealthState['Status']
  /** As it was asked for, and its id. */
  readonly imageName: string
  readonly imageId: string
  /** Milliseconds since 1970. */
  readonly createdMs: number
  readonly networks: readonly { readonly name: string; readonly id: string }[]
  /** Names of volumes, sources and destinations. */
  readonly mounts: readonly string[]
  readonly ports: readonly PortSummary[]
}

/** What a filter's value may mean. */
export interface FilterContext {
  /** Ids of the images that an `ancestor` value names. */
  readonly imageIds: ReadonlyMap<string, readonly string[]>
  /** When the container of `before` and `since` was made. Throws if there is none. */
  readonly createdMsOf: (reference: string) => number
  /** Reads a value of `name`. Default: as a regular expression, which a bad one makes slow. */
  readonly nameTest?: (value: string) => (name: string) => boolean
}

type Test = (container: FilteredContainer, value: string, context: FilterContext) => boolean

const TESTS: Readonly<Record<string, Test>> = {
  id: ({ id }, value) => id.startsWith(value),
  name: ({ names }, value, { nameTest = expressionTest }) => {
    if (names.includes(value.replace(/^\//, ''))) return true
    const matches = nameTest(value)
    return names.some(name => matches(`/${name}`) || matches(name))
  },
  label: ({ labels }, value) => labelMatches(labels, value),
  status: ({ status }, value) => status === value,
  ancestor: ({ imageName, imageId }, value, { imageIds }) =>
    imageName === value || imageId === `sha256:${value}` || (imageIds.get(value) ?? []).includes(imageId),
  network: ({ networks }, value) =>
    networks.some(({ name, id }) => name === value || (value !== '' && id.startsWith(value))),
  volume: ({ mounts }, value) => mounts.includes(value),
  health: ({ health }, value) => health === value,
  exited: ({ status, exitCode }, value) => status === 'exited' && exitCode === Number(value),
  before: ({ createdMs }, value, { createdMsOf }) => createdMs < createdMsOf(value),
  since: ({ createdMs }, value, { createdMsOf }) => createdMs > createdMsOf(value),
  // A container of a swarm's task, which these never are.
  'is-task': (_container, value) => !readBoolean('is-task', value),
  isolation: () => true,
  publish: ({ ports }, value) => hasPort(ports, 'PublicPort', readPorts('publish', value)),
  expose: ({ ports }, value) => hasPort(ports, 'PrivatePort', readPorts('expose', value)),
}
/** Either of them is enough. */
const PORT_KEYS = ['publish', 'expose']

/** Keys whose values must all be there. */
const ALL_VALUES = ['label']
const HEALTHS = ['none', 'starting', 'healthy', 'unhealthy']
const STATUSES = ['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead']

/** Refuses filters docker does not know, and values that cannot match. */
export function checkContainerFilters(filters: Filters): void {
  for (const [key, values] of Object.entries(filters)) {
    if (!Object.hasOwn(TESTS, key)) throw invalidInput('BAD_FILTER', `Invalid filter '${key}'`)
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
export function passesContainerFilters(
  container: FilteredContainer,
  filters: Filters,
  context: FilterContext,
): boolean {
  const set = Object.entries(filters).filter(([, values]) => values.length > 0)
  const passes = ([key, values]: readonly [string, readonly string[]]): boolean => {
    const test = (value: string): boolean => TESTS[key]?.(container, value, context) ?? true
    return ALL_VALUES.includes(key) ? values.every(test) : values.some(test)
  }
  const ports = set.filter(([key]) => PORT_KEYS.includes(key))
  return set.every(entry => ports.includes(entry) || passes(entry)) && (ports.length === 0 || ports.some(passes))
}

/** A filter that asks for containers that do not run: with it, `all` is implied. */
export function filtersImplyAll(filters: Filters): boolean {
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
function expressionTest(value: string): (name: string) => boolean {
  try {
    const expression = new RegExp(value)
    return name => expression.test(name)
  } catch {
    return name => name.includes(value)
  }
}
