import { ClusterView, EMPTY_REQUEST, type PlacementRequest, type SchedulableNode } from '../../src/scheduler/index.ts'

export const MIB = 2 ** 20

export function node(name: string, over: Partial<SchedulableNode> = {}): SchedulableNode {
  return {
    name,
    id: `id-${name}`,
    ready: true,
    availability: 'active',
    labels: {},
    engineLabels: {},
    platform: { os: 'linux', arch: 'amd64' },
    nanoCpus: 4e9,
    memoryBytes: 1_000 * MIB,
    ...over,
  }
}

export function request(over: Partial<PlacementRequest> = {}): PlacementRequest {
  return { ...EMPTY_REQUEST, ...over }
}

export function viewOf(nodes: readonly SchedulableNode[], options: { overcommit?: number } = {}): ClusterView {
  const view = new ClusterView(options)
  for (const one of nodes) view.setNode(one)
  return view
}

let count = 0
/** Takes up room on a node. */
export function occupy(view: ClusterView, name: string, over: Partial<PlacementRequest> = {}): string {
  const id = `task-${count++}`
  view.reserve({ ...request(over), id, node: name })
  return id
}
