import type { Obstacle } from '../../core/model/explanation.ts'
import type { Expression } from '../expression.ts'
import { constraintObstacles, obstacle, portObstacles } from '../refusals.ts'
import type { ClusterContents } from './cluster-contents.ts'
import type { ContainerRequest } from './container-request.ts'
import { amongNodes, type Demand } from './demand.ts'

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

/** One of classic Swarm's filters (scheduler/filter). */
export interface NodeFilter {
  readonly name: FilterName
  /** What it asks for, as classic Swarm names it when no node is left. */
  readonly wishes: (request: ContainerRequest) => readonly string[]
  /** The same as tests of nodes; empty: it has nothing to say. */
  readonly demands: (request: ContainerRequest, contents: ClusterContents) => readonly Demand[]
}

const health: NodeFilter = {
  name: 'health',
  wishes: () => [],
  demands: (_request, { view }) => [
    {
      soft: false,
      holds: slot => view.node(slot)?.ready === true && (view.figures().health[slot] ?? 0) > 0,
      // That it is down is said of every node that is, whatever the filters are.
      obstacles: slot =>
        view.node(slot)?.ready === true
          ? [obstacle('health', 'node fails', { do: 'start-node', node: view.node(slot)?.name ?? '' })]
          : [],
    },
  ],
}

const port: NodeFilter = {
  name: 'port',
  wishes: ({ hostPorts, hostModePorts }) => [
    ...hostPorts.map(({ published }) => `port ${published} (Bridge mode)`),
    ...hostModePorts.map(exposed => `port ${exposed} (Host mode)`),
  ],
  demands: ({ hostPorts, hostModePorts }, contents) => [
    ...hostPorts.map(
      (wanted): Demand => ({
        soft: false,
        holds: slot => contents.view.portConflict(slot, wanted) === undefined,
        obstacles: slot => portObstacles([wanted], contents.view, slot),
      }),
    ),
    ...hostModePorts.map(exposed => hostModePort(exposed, contents)),
  ],
}

/** Containers with the host's network only get in the way of each other, as in classic Swarm. */
function hostModePort(exposed: string, contents: ClusterContents): Demand {
  const taken = contents.nodesWithHostPort(exposed)
  const nodeIn = (slot: number): string => contents.view.node(slot)?.name ?? ''
  const holder = "a container with the host's network"
  return {
    soft: false,
    holds: slot => !taken.has(nodeIn(slot)),
    obstacles: slot => [
      obstacle('port', `port ${exposed} of the host's network is in use`, {
        do: 'free-port',
        node: nodeIn(slot),
        port: exposed,
        holder,
      }),
    ],
  }
}

const containerSlots: NodeFilter = {
  name: 'containerslots',
  wishes: () => ['available container slots'],
  demands: (_request, { view }) => {
    const { containers } = view.figures()
    // What is not a number says nothing, as in classic Swarm.
    const allowed = (slot: number): number => {
      const { engineLabels = {}, labels = {} } = view.node(slot) ?? {}
      const text = engineLabels['containerslots'] ?? labels['containerslots'] ?? ''
      return /^-?\d+$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
    }
    return [
      {
        soft: false,
        holds: slot => (containers[slot] ?? 0) < allowed(slot),
        obstacles: slot => [
          obstacle('containerslots', `all of ${allowed(slot)} container slots are taken`, {
            do: 'free-slot',
            node: view.node(slot)?.name ?? '',
            allowed: (containers[slot] ?? 0) + 1,
          }),
        ],
      },
    ]
  },
}

const dependency: NodeFilter = {
  name: 'dependency',
  wishes: ({ dependencies }) => dependencies.map(({ flag, container }) => `${flag}=${container}`),
  demands: ({ dependencies }, contents) =>
    dependencies.map(({ flag, container }) => {
      const text = `${flag}=${container}`
      const nodes = contents.nodesOf(container)
      const what = nodes.length === 0 ? `${text}: no such container` : `${text} is on ${nodes.join(', ')}`
      return amongNodes(new Set(nodes), contents.view, {
        equal: true,
        soft: false,
        obstacle: obstacle('dependency', what, { do: 'drop', what: 'dependency', text }),
      })
    }),
}

const affinity: NodeFilter = {
  name: 'affinity',
  wishes: ({ affinities }) => affinities.map(withSoftness),
  demands: ({ affinities }, contents) =>
    affinities.map(({ key, value, equal, soft, text }) =>
      amongNodes(contents.nodesWith(key, value), contents.view, {
        equal,
        soft,
        obstacle: obstacle('affinity', `affinity ${text}`, { do: 'drop', what: 'affinity', text }),
      }),
    ),
}

const constraint: NodeFilter = {
  name: 'constraint',
  wishes: ({ constraints }) => constraints,
  demands: ({ constraints }, { view }) =>
    constraints.map(text => {
      const mask = view.mask(text)
      return {
        soft: mask.constraint.soft,
        mask,
        holds: slot => mask.holds[slot] === 1,
        obstacles: slot => constraintObstacles([mask], slot),
      }
    }),
}

const whitelist: NodeFilter = {
  name: 'whitelist',
  wishes: ({ whitelists }) => whitelists.map(withSoftness),
  demands: ({ whitelists }, { view }) =>
    whitelists.map(({ value, soft, text }) => {
      const names = value.split('|').map(name => name.trim())
      const refusal: Obstacle = obstacle('whitelist', `whitelist ${text}`, { do: 'drop', what: 'whitelist', text })
      return amongNodes(new Set(names), view, { equal: true, soft, obstacle: refusal })
    }),
}

function withSoftness({ key, equal, value, soft }: Expression): string {
  return `${key}${equal ? '==' : '!='}${value} (soft=${soft})`
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
