import type { Strategy } from '../rank.ts'
import type { ClusterContents } from './cluster-contents.ts'
import type { ContainerRequest } from './container-request.ts'
import type { Candidate, NodeFilter } from './filters.ts'

export type ContainerPlacement =
  | { readonly placed: true; readonly node: string }
  /** Classic Swarm's sentence. */
  | { readonly placed: false; readonly message: string }

export interface ContainerPlacing {
  /** In the order in which they are applied. */
  readonly filters: readonly NodeFilter[]
  readonly strategy: Strategy
}

/**
 * Chooses a node for a container as classic Swarm does (scheduler/scheduler.go): every filter in its order, first with
 * wishes taken for demands, and if that leaves no node once more without any of them; then the best by the strategy. Ties go
 * to the first by name, so equal clusters give equal answers. Pure; what was chosen takes up room once it is reserved.
 */
export function placeContainer(
  request: ContainerRequest,
  contents: ClusterContents,
  { filters, strategy }: ContainerPlacing,
): ContainerPlacement {
  const nodes = candidates(contents)
  if (nodes.length === 0) return refused('No nodes available in the cluster')
  const open = nodes.filter(({ node }) => node.availability === 'active')
  if (open.length === 0) return refused('No node takes new containers: all of them are paused or being drained')
  const wishful = narrow(open, request, { contents, filters, soft: true })
  const left = wishful.failed === undefined ? wishful : narrow(open, request, { contents, filters, soft: false })
  if (left.failed !== undefined) return refused(failure(left.failed, request, filters))
  const best = bestOf(left.nodes, request, contents, strategy)
  return best === undefined ? refused('no resources available to schedule container') : { placed: true, node: best }
}

function refused(message: string): ContainerPlacement {
  return { placed: false, message }
}

function candidates({ view }: ClusterContents): Candidate[] {
  return [...view.slotsByName()].flatMap(slot => {
    const node = view.node(slot)
    return node === undefined ? [] : [{ slot, node }]
  })
}

interface Narrowing {
  readonly contents: ClusterContents
  readonly filters: readonly NodeFilter[]
  readonly soft: boolean
}

function narrow(
  nodes: readonly Candidate[],
  request: ContainerRequest,
  { contents, filters, soft }: Narrowing,
): { readonly nodes: readonly Candidate[]; readonly failed?: NodeFilter } {
  let left = nodes
  for (const filter of filters) {
    const judge = filter.judge(request, contents, { soft })
    if (judge !== undefined) left = left.filter(judge)
    if (left.length === 0) return { nodes: left, failed: filter }
  }
  return { nodes: left }
}

/** What was asked for up to the filter that left no node. */
function failure(failed: NodeFilter, request: ContainerRequest, filters: readonly NodeFilter[]): string {
  if (failed.name === 'health') return 'No healthy node available in the cluster'
  const lists = filters
    .slice(0, filters.indexOf(failed) + 1)
    .map(filter => filter.wishes(request))
    .filter(wishes => wishes.length > 0)
    .map(wishes => `\n[${wishes.join(' ')}]`)
  return `Unable to find a node that satisfies the following conditions ${lists.join('')}`
}

function bestOf(
  nodes: readonly Candidate[],
  { nanoCpus, memoryBytes }: ContainerRequest,
  { view }: ClusterContents,
  strategy: Strategy,
): string | undefined {
  // Classic Swarm's random strategy does not look at resources either.
  if (strategy.name === 'random') return nodes[Math.floor(strategy.random.next() * nodes.length)]?.node.name
  const ranks = view.baseRanks({ strategy: strategy.name, nanoCpus, memoryBytes })
  let best: Candidate | undefined
  let bestRank = Number.POSITIVE_INFINITY
  for (const candidate of nodes) {
    const rank = ranks[candidate.slot] ?? Number.POSITIVE_INFINITY
    if (rank >= bestRank) continue
    best = candidate
    bestRank = rank
  }
  return best?.node.name
}
