import { valueMatcher } from '../constraint.ts'
import type { Expression } from '../expression.ts'
import type { SchedulableNode } from '../node.ts'
import type { ClusterContents, PlacedContainer } from './cluster-contents.ts'
import type { ContainerRequest, Dependency } from './container-request.ts'

export const FILTER_NAMES = [
  'health',
  'port',
  'containerslots',
  'dependency',
  'affinity',
  'constraint',
  'whitelist',
] as const
export type FilterName = (typeof FILTER_NAMES)[number]

/** The slot of a node in the cluster's view, with the node. */
export interface Candidate {
  readonly slot: number
  readonly node: SchedulableNode
}

/** How one filter judges nodes for one request; undefined: it has nothing to say. */
type Judge = ((candidate: Candidate) => boolean) | undefined

/** One of classic Swarm's filters (scheduler/filter). */
export interface NodeFilter {
  readonly name: FilterName
  /** What it asks for, as classic Swarm names it when no node is left. */
  readonly wishes: (request: ContainerRequest) => readonly string[]
  /** `soft`: whether wishes count as demands. */
  readonly judge: (request: ContainerRequest, contents: ClusterContents, options: { readonly soft: boolean }) => Judge
}

const health: NodeFilter = {
  name: 'health',
  wishes: () => [],
  judge:
    () =>
    ({ node }) =>
      node.ready && (node.health ?? 100) > 0,
}

const port: NodeFilter = {
  name: 'port',
  wishes: ({ hostPorts, hostModePorts }) => [
    ...hostPorts.map(({ published }) => `port ${published} (Bridge mode)`),
    ...hostModePorts.map(exposed => `port ${exposed} (Host mode)`),
  ],
  judge: ({ hostPorts, hostModePorts }, { view, containersOn }) => {
    if (hostPorts.length === 0 && hostModePorts.length === 0) return undefined
    const isTaken = (other: PlacedContainer): boolean =>
      other.hostModePorts.some(exposed => hostModePorts.includes(exposed))
    return ({ slot, node }) =>
      hostPorts.every(wanted => view.portConflict(slot, wanted) === undefined) &&
      (hostModePorts.length === 0 || !some(containersOn(node.name), isTaken))
  },
}

const containerSlots: NodeFilter = {
  name: 'containerslots',
  wishes: () => ['available container slots'],
  judge: (_request, { view }) => {
    const { containers } = view.figures()
    return ({ slot, node }) => {
      const slots = node.engineLabels['containerslots'] ?? node.labels['containerslots'] ?? ''
      // What is not a number says nothing, as in classic Swarm.
      return !/^-?\d+$/.test(slots) || (containers[slot] ?? 0) < Number(slots)
    }
  },
}

const dependency: NodeFilter = {
  name: 'dependency',
  wishes: ({ dependencies }) => dependencies.map(({ flag, container }) => `${flag}=${container}`),
  judge: ({ dependencies }, { nodesOf }) => {
    if (dependencies.length === 0) return undefined
    const places = dependencies.map(({ container }: Dependency) => nodesOf(container))
    return ({ node }) => places.every(nodes => nodes.includes(node.name))
  },
}

const affinity: NodeFilter = {
  name: 'affinity',
  wishes: ({ affinities }) => affinities.map(withSoftness),
  judge: ({ affinities }, contents, { soft }) => {
    const counting = affinities.filter(expression => soft || !expression.soft)
    if (counting.length === 0) return undefined
    const tests = counting.map(expression => affinityTest(expression, contents))
    return candidate => tests.every(test => test(candidate))
  },
}

function affinityTest({ key, value, equal }: Expression, contents: ClusterContents): (candidate: Candidate) => boolean {
  const matches = valueMatcher(value, false)
  const isMeant = (node: string): boolean => {
    if (key === 'image') return some(contents.imagesOn(node), ({ id, tags }) => imageNames(id, tags).some(matches))
    const names = ({ id, name, labels }: PlacedContainer): readonly string[] =>
      key === 'container' ? [id, name] : [labels[key] ?? '']
    return some(contents.containersOn(node), container => names(container).some(matches))
  }
  return ({ node }) => isMeant(node.name) === equal
}

/** An image answers to its id, its names, and its names without their tag. */
function imageNames(id: string, tags: readonly string[]): readonly string[] {
  return [id, ...tags, ...tags.map(tag => tag.replace(/:[^:/]*$/, ''))]
}

const constraint: NodeFilter = {
  name: 'constraint',
  wishes: ({ constraints }) => constraints,
  judge: ({ constraints }, { view }, { soft }) => {
    const masks = constraints.map(text => view.mask(text)).filter(mask => soft || !mask.constraint.soft)
    return masks.length === 0 ? undefined : ({ slot }) => masks.every(({ holds }) => holds[slot] === 1)
  },
}

const whitelist: NodeFilter = {
  name: 'whitelist',
  wishes: ({ whitelists }) => whitelists.map(withSoftness),
  judge: ({ whitelists }, _contents, { soft }) => {
    const counting = whitelists.filter(expression => soft || !expression.soft)
    if (counting.length === 0) return undefined
    const lists = counting.map(({ value }) => new Set(value.split('|').map(name => name.trim())))
    return ({ node }) => lists.every(list => list.has(node.name))
  },
}

function withSoftness({ key, equal, value, soft }: Expression): string {
  return `${key}${equal ? '==' : '!='}${value} (soft=${soft})`
}

function some<T>(items: Iterable<T>, test: (item: T) => boolean): boolean {
  for (const item of items) if (test(item)) return true
  return false
}

const FILTERS: Readonly<Record<FilterName, NodeFilter>> = {
  health,
  port,
  containerslots: containerSlots,
  dependency,
  affinity,
  constraint,
  whitelist,
}

/** The filters of these names, in this order. */
export function filtersOf(names: readonly FilterName[]): readonly NodeFilter[] {
  return names.map(name => FILTERS[name])
}

export function isFilterName(name: string): name is FilterName {
  return (FILTER_NAMES as readonly string[]).includes(name)
}
