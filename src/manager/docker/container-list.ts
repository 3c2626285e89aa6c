import { invalidInput } from '../../core/errors.ts'
import type { ContainerSummary, Filters } from '../../docker-api/index.ts'
import type { Answer } from './nodes.ts'

/** A container as the cluster shows it: with its node's name, and its node's address where ports have none. */
export function containerOnNode(container: ContainerSummary, { node }: Answer<unknown>): ContainerSummary {
  const { address } = node.member
  const isAnywhere = (ip: string | undefined): boolean => ip === '0.0.0.0' || ip === '::'
  return {
    ...container,
    Names: container.Names.map(name => `/${node.name}${name}`),
    Ports: (container.Ports ?? []).map(port => (isAnywhere(port.IP) ? { ...port, IP: address } : port)),
  }
}

/** Reads Docker's `filters` parameter, in its present form and in the one before API 1.22. */
export function parseFilters(text: string | undefined): Filters {
  if (text === undefined || text === '') return {}
  try {
    const value = JSON.parse(text) as Readonly<Record<string, readonly string[] | Readonly<Record<string, boolean>>>>
    const entries = Object.entries(value).map(([key, wanted]): [string, readonly string[]] => [
      key,
      Array.isArray(wanted) ? (wanted as readonly string[]) : Object.keys(wanted),
    ])
    return Object.fromEntries(entries)
  } catch (cause) {
    throw invalidInput('BAD_FILTERS', 'Cannot read filters: expected JSON such as {"label":["a=b"]}', { cause })
  }
}
