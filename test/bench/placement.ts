import {
  ClusterContents,
  ClusterView,
  type ContainerRequest,
  EMPTY_REQUEST,
  FILTER_NAMES,
  filtersOf,
  type PlacementRequest,
  place,
  placeContainer,
  readExpressions,
  type SchedulableNode,
} from '../../src/scheduler/index.ts'
import { type BenchRow, percentile } from './report.ts'

const GIB = 2 ** 30
const PER_NODE = 30
const SAMPLES = 3_000
const PLACING = { filters: filtersOf(FILTER_NAMES), strategy: { name: 'spread' as const } }

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

/** Does it `count` times; how long each took, in microseconds. */
function sample(first: number, count: number, work: (index: number) => void): number[] {
  const samples: number[] = []
  for (let i = first; i < first + count; i++) {
    const began = performance.now()
    work(i)
    samples.push((performance.now() - began) * 1_000)
  }
  return samples
}

/** Places and reserves tasks of services of 100. */
function placeTasks(view: ClusterView, first: number, count: number, extra: Partial<PlacementRequest>): number[] {
  return sample(first, count, i => {
    const serviceId = `s${Math.floor(i / 100)}`
    const request = { ...EMPTY_REQUEST, serviceId, nanoCpus: 1e8, memoryBytes: GIB / 4, ...extra }
    const placement = place(request, view, { name: 'spread' })
    if (!placement.placed) throw new Error('Cannot measure placement: the cluster is full')
    view.reserve({ ...request, id: `t${i}`, node: placement.node })
  })
}

/** Places containers as `docker run` does, with a name and labels each. */
function placeContainers(
  contents: ClusterContents,
  first: number,
  count: number,
  written: readonly string[],
): number[] {
  const [constraints, affinities] = ['constraint:', 'affinity:'].map(kind =>
    written.filter(text => text.startsWith(kind)).map(text => text.slice(kind.length)),
  )
  const expressions = readExpressions({ constraints: constraints ?? [], affinities: affinities ?? [], whitelists: [] })
  const asked: ContainerRequest = {
    nanoCpus: 1e8,
    memoryBytes: GIB / 4,
    hostPorts: [],
    hostModePorts: [],
    dependencies: [],
    ...expressions,
  }
  return sample(first, count, i => {
    const placement = placeContainer(asked, contents, PLACING)
    if (!placement.placed) throw new Error(`Cannot measure placement: ${placement.message}`)
    const { node } = placement
    contents.view.reserve({ id: `c${i}`, node, nanoCpus: 1e8, memoryBytes: GIB / 4, hostPorts: [] })
    const labels = { tier: `t${i % 50}`, owner: `o${i % 9}` }
    contents.setContainer(node, { id: `c${i}`, name: `name-${i}`, labels, hostModePorts: [] })
  })
}

const CONSTRAINED = { constraints: ['node.labels.disk == ssd'], replicasPerNodeMax: 10 }
const WRITTEN = ['constraint:disk==ssd', 'affinity:container!=other*', 'affinity:tier!=nothing']

function rowsOf(what: string, samples: readonly number[], budget?: string): BenchRow[] {
  return [
    { name: `${what}, p50`, value: percentile(samples, 0.5), unit: 'us', ...(budget === undefined ? {} : { budget }) },
    { name: `${what}, p99`, value: percentile(samples, 0.99), unit: 'us' },
  ]
}

/** One placement in a cluster with this much in it, for each of the scheduler's two users. */
function standing(nodes: number, perNode: number): BenchRow[] {
  const full = nodes * perNode
  const size = `${nodes.toLocaleString('en')} nodes x ${perNode}`
  const view = clusterOf(nodes)
  placeTasks(view, 0, full, {})
  const tasks = placeTasks(view, full, SAMPLES, CONSTRAINED)
  const contents = new ClusterContents(clusterOf(nodes))
  placeContainers(contents, 0, full, [])
  const containers = placeContainers(contents, full, SAMPLES, WRITTEN)
  return [
    ...rowsOf(`task, ${size}, one constraint`, tasks, nodes === 1_000 ? '<= 50 us' : undefined),
    ...rowsOf(`container, ${size}, constraint and affinities`, containers, nodes === 1_000 ? '<= 50 us' : undefined),
  ]
}

function filling(nodes: number, tasks: number, budget: string): BenchRow {
  const view = clusterOf(nodes)
  const began = performance.now()
  placeTasks(view, 0, tasks, {})
  const name = `${tasks.toLocaleString('en')} placements from empty, ${nodes.toLocaleString('en')} nodes`
  return { name, value: performance.now() - began, unit: 'ms', budget }
}

/** The scheduler alone: one placement in a full cluster, for tasks and for containers, and filling clusters from empty. */
export async function run(): Promise<BenchRow[]> {
  // Until the code is compiled nothing is worth measuring.
  standing(200, 10)
  return [
    ...standing(100, PER_NODE),
    ...standing(1_000, 3),
    ...standing(1_000, PER_NODE),
    ...standing(5_000, PER_NODE),
    filling(1_000, 30_000, '< 1000 ms'),
    filling(5_000, 100_000, '< 5000 ms'),
  ]
}
