import { invalidInput } from '../../core/errors.ts'
import type { ContainerState, ContainerSummary, Filters } from '../../docker-api/index.ts'
import type { ContainerRecord } from './record.ts'

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
  publish: ({ summary }, value) => summary.Ports.some(port => `${port.PublicPort}` === value.split('/')[0]),
  expose: ({ record }, value) =>
    Object.keys(record.config.ExposedPorts ?? {}).some(port => port === value || port === `${value}/tcp`),
}

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
    }
  }
}

/** Whether a container passes: one value of each key, but all labels. */
export function passesFilters(listed: Listed, filters: Filters, context: FilterContext): boolean {
  return Object.entries(filters).every(([key, values]) => {
    const test = TESTS[key]
    if (test === undefined || values.length === 0) return true
    return key === 'label'
      ? values.every(value => test(listed, value, context))
      : values.some(value => test(listed, value, context))
  })
}

/** Filters that ask for containers that do not run: with them, `all` is implied. */
export function impliesAll(filters: Filters): boolean {
  return ['status', 'exited', 'health'].some(key => (filters[key] ?? []).length > 0 && key !== 'health')
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

function labelMatches(labels: Readonly<Record<string, string>>, value: string): boolean {
  const equals = value.indexOf('=')
  if (equals < 0) return value in labels
  return labels[value.slice(0, equals)] === value.slice(equals + 1)
}
