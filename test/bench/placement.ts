import {
  ClusterView,
  EMPTY_REQUEST,
  type PlacementRequest,
  place,
  type SchedulableNode,
} from '../../src/scheduler/index.ts'
import { type BenchRow, percentile } from './report.ts'

const GIB = 2 ** 30

function benchNode(index: number): SchedulableNode {
  return {
    name: `n${String(index).padStart(5, '0')}`,
    id: `id-${index}`,
    ready: true,
    availability: 'active',
    labels: { disk: index % 2 === 0 ? 'ssd' : 'hdd', zone: `z${index % 7}` },
    engineLabels: { ostype: 'linux' },
    platform: { os: 'linux', arch: 'amd64' },
    nanoCpus: 64e9,
    memoryBytes: 256 * GIB,
  }
}

function clusterOf(nodes: number): ClusterView {
  const view = new ClusterView()
  for (let i = 0; i < nodes; i++) view.setNode(benchNode(i))
  return view
}

/** Places and reserves `count` tasks of services of 100; resolves with the microseconds of each. */
function fill(view: ClusterView, first: number, count: number, extra: Partial<PlacementRequest>): number[] {
  const samples: number[] = []
  for (let i = first; i < first + count; i++) {
    const request = {
      ...EMPTY_REQUEST,
      serviceId: `s${Math.floor(i / 100)}`,
      nanoCpus: 1e8,
      memoryBytes: GIB / 4,
      ...extra,
    }
    const began = performance.now()
    const placement = place(request, view, { name: 'spread' })
    if (!placement.placed) throw new Error('Cannot measure placement: the cluster is full')
    view.reserve({ ...request, id: `t${i}`, node: placement.node })
    samples.push((performance.now() - began) * 1_000)
  }
  return samples
}

/** The scheduler alone: one placement in a full cluster, and filling clusters from empty. */
export async function run(): Promise<BenchRow[]> {
  fill(clusterOf(200), 0, 2_000, { constraints: ['node.labels.disk==ssd'] })
  const view = clusterOf(1_000)
  const began = performance.now()
  fill(view, 0, 30_000, {})
  const fillMs = performance.now() - began
  const samples = fill(view, 30_000, 2_000, {
    constraints: ['node.labels.disk == ssd'],
    hostPorts: [],
    volumes: [],
    replicasPerNodeMax: 10,
  })
  const large = clusterOf(5_000)
  const largeBegan = performance.now()
  fill(large, 0, 100_000, {})
  const largeMs = performance.now() - largeBegan
  return [
    {
      name: 'placement p50, 1,000 nodes x 30, one constraint',
      value: percentile(samples, 0.5),
      unit: 'us',
      budget: '<= 50 us',
    },
    { name: 'placement p99, 1,000 nodes x 30, one constraint', value: percentile(samples, 0.99), unit: 'us' },
    { name: '30,000 placements from empty, 1,000 nodes', value: fillMs, unit: 'ms', budget: '< 1000 ms' },
    { name: '100,000 placements from empty, 5,000 nodes', value: largeMs, unit: 'ms', budget: '< 5000 ms' },
  ]
}
