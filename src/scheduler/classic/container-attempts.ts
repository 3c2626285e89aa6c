import type { Strategy } from '../rank.ts'
import { obstacle } from '../refusals.ts'
import { type Attempt, withWishes } from '../score.ts'
import type { ClusterContents } from './cluster-contents.ts'
import type { ContainerRequest } from './container-request.ts'
import { amongNodes, type Demand } from './demand.ts'
import type { NodeFilter } from './filters.ts'

export interface FilterDemands {
  readonly filter: NodeFilter
  readonly demands: readonly Demand[]
}

/** What each filter asks for. */
export function demandsOf(
  request: ContainerRequest,
  contents: ClusterContents,
  filters: readonly NodeFilter[],
): readonly FilterDemands[] {
  return filters.map(filter => ({ filter, demands: filter.demands(request, contents) }))
}

/** How a node is looked for: with all wishes, then without. */
export function attemptsOf(
  request: ContainerRequest,
  contents: ClusterContents,
  { demands, strategy }: { readonly demands: readonly FilterDemands[]; readonly strategy: Strategy },
): readonly Attempt[] {
  const all = [...demands.flatMap(each => each.demands), ...placeDemands(request, contents, strategy)]
  const attempt = (held: readonly Demand[], wishes: readonly Demand[]): Attempt => ({
    search: {
      question: questionOf(request, strategy),
      masks: held.flatMap(({ mask }) => mask ?? []),
      ...restOf(held),
    },
    preferred: { wishes: wishes.map(({ holds }) => holds), ...imagePreference(request, contents, strategy) },
  })
  return withWishes(all, { isSoft: ({ soft }) => soft, strategy }, attempt)
}

function questionOf({ nanoCpus, memoryBytes }: ContainerRequest, { name }: Strategy): Attempt['search']['question'] {
  // Classic Swarm's random strategy does not look at resources.
  return name === 'random' ? { strategy: name, nanoCpus: 0, memoryBytes: 0 } : { strategy: name, nanoCpus, memoryBytes }
}

function restOf(demands: readonly Demand[]): Pick<Attempt['search'], 'only' | 'isFree'> {
  const rest = demands.filter(({ mask }) => mask === undefined)
  const [fewest] = rest.flatMap(({ only }) => (only === undefined ? [] : [only])).sort((a, b) => a.length - b.length)
  const tests = rest.map(({ holds }) => holds)
  return {
    ...(fewest === undefined ? {} : { only: fewest }),
    ...(tests.length === 0 ? {} : { isFree: slot => tests.every(holds => holds(slot)) }),
  }
}

/** What is asked for whatever the filters are: what the container is of no use without. */
export function placeDemands(
  request: ContainerRequest,
  contents: ClusterContents,
  strategy: Strategy,
): readonly Demand[] {
  return [...volumeDemands(request, contents, strategy), ...networkDemands(request, contents)]
}

/** Nodes that take part in networks over nodes, if the container is to be on one. */
function networkDemands({ networks = [] }: ContainerRequest, contents: ClusterContents): readonly Demand[] {
  return networks
    .filter(name => contents.spansNodes(name))
    .map(name => ({
      soft: false,
      holds: slot => contents.view.node(slot)?.overlay === true,
      obstacles: () => [
        obstacle('network', `network ${name} does not reach the node`, { do: 'drop', what: 'network', text: name }),
      ],
    }))
}

/** Where the named volumes are, if there are any and anybody cares: a volume of that name elsewhere would be an empty one. */
function volumeDemands(
  { volumes = [] }: ContainerRequest,
  contents: ClusterContents,
  { volumeLocality }: Strategy,
): readonly Demand[] {
  if (volumeLocality === undefined) return []
  return volumes.flatMap(volume => {
    const nodes = contents.nodesWithVolume(volume)
    if (nodes.size === 0) return []
    const what = `volume ${volume} is on ${[...nodes.keys()].join(', ')}`
    return amongNodes(nodes, contents.view, {
      equal: true,
      soft: volumeLocality === 'prefer',
      obstacle: obstacle('volume', what, { do: 'drop', what: 'volume', text: volume }),
    })
  })
}

function imagePreference(
  { image }: ContainerRequest,
  contents: ClusterContents,
  { imageLocality = 0 }: Strategy,
): Attempt['preferred'] {
  if (image === undefined || imageLocality === 0) return {}
  const nodes = contents.nodesWith('image', image)
  // Everywhere or nowhere is no difference.
  if (nodes.size === 0) return {}
  const { view } = contents
  return { image: { weight: imageLocality, isOn: slot => nodes.has(view.node(slot)?.name ?? '') } }
}
