import { invalidInput } from '../../core/errors.ts'
import type { ContainerSummary, Filters } from '../../docker-api/index.ts'
import { type Answer, askAll, type ClusterNodes } from './nodes.ts'

export interface ListOptions {
  readonly all: boolean
  readonly limit?: number
  readonly filters: Filters
}

/** The containers of all nodes, named `/node/name`, newest first; ports without an address show their node's. */
export async function listContainers(options: ListOptions, nodes: ClusterNodes): Promise<ContainerSummary[]> {
  const { node: wanted, ...filters } = options.filters
  const among =
    wanted === undefined ? nodes : { ...nodes, ready: () => nodes.ready().filter(n => wanted.includes(n.name)) }
  const all = options.all || options.limit !== undefined
  const answers = await askAll(among, engine => engine.containers.list({ all, filters: bareNames(filters) }))
  const containers = answers.flatMap(answer => answer.value.map(container => containerOnNode(container, answer)))
  containers.sort((a, b) => b.Created - a.Created || (a.Id < b.Id ? -1 : 1))
  return options.limit === undefined ? containers : containers.slice(0, options.limit)
}

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

/** A name may be given as it is shown, with its node. */
function bareNames(filters: Filters): Filters {
  const { name } = filters
  return name === undefined ? filters : { ...filters, name: name.map(text => text.replace(/^\/?[^/]+\//, '')) }
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
