import { formatBytes } from '../core/units.ts'
import type { ClusterView, ConstraintMask } from './cluster-view.ts'
import type { PlacementRequest } from './node.ts'

type FilterName = 'health' | 'availability' | 'constraint' | 'cpu' | 'memory' | 'port' | 'volume' | 'replicas'

/** One thing that is in the way on a node. */
interface Obstacle {
  readonly filter: FilterName
  /** The same text on every node with the same obstacle: `memory 512MiB wanted`. */
  readonly what: string
  /** What the node has left of it, for amounts. */
  readonly free?: number
}

/** Everything that is in the way on one node; never empty. */
export interface Refusal {
  readonly node: string
  readonly obstacles: readonly Obstacle[]
}

export function refusalsOf(
  request: PlacementRequest,
  view: ClusterView,
  masks: readonly ConstraintMask[],
): readonly Refusal[] {
  return [...view.slotsByName()].map(slot => ({
    node: view.node(slot)?.name ?? '',
    obstacles: [
      ...stateObstacles(view, slot),
      ...masks.flatMap(({ constraint, holds }) =>
        holds[slot] === 1 ? [] : obstacle('constraint', `constraint ${constraint.expression}`),
      ),
      ...amountObstacles(request, view, slot),
      ...placeObstacles(request, view, slot),
    ],
  }))
}

function obstacle(filter: FilterName, what: string, free?: number): Obstacle[] {
  return [{ filter, what, ...(free === undefined ? {} : { free }) }]
}

function stateObstacles(view: ClusterView, slot: number): Obstacle[] {
  const node = view.node(slot)
  if (node === undefined || !node.ready) return obstacle('health', 'node is down')
  if (node.availability === 'pause') return obstacle('availability', 'node is paused')
  if (node.availability === 'drain') return obstacle('availability', 'node is being drained')
  return []
}

function amountObstacles({ nanoCpus, memoryBytes }: PlacementRequest, view: ClusterView, slot: number): Obstacle[] {
  const { totalCpus, usedCpus, totalMemory, usedMemory } = view.figures()
  const freeCpus = (totalCpus[slot] ?? 0) - (usedCpus[slot] ?? 0)
  const freeMemory = (totalMemory[slot] ?? 0) - (usedMemory[slot] ?? 0)
  return [
    ...(nanoCpus > 0 && nanoCpus > freeCpus ? obstacle('cpu', `cpu ${cpus(nanoCpus)} wanted`, freeCpus) : []),
    ...(memoryBytes > 0 && memoryBytes > freeMemory
      ? obstacle('memory', `memory ${formatBytes(memoryBytes)} wanted`, freeMemory)
      : []),
  ]
}

function placeObstacles(request: PlacementRequest, view: ClusterView, slot: number): Obstacle[] {
  const { hostPorts, volumes, replicasPerNodeMax, serviceId } = request
  const ports = hostPorts.filter(port => view.portConflict(slot, port) !== undefined)
  const name = view.node(slot)?.name
  const elsewhere = volumes.flatMap(volume => {
    const node = view.volumeNode(volume)
    return node === undefined || node === name ? [] : [{ volume, node }]
  })
  const siblings = view.tasksOf(serviceId)[slot] ?? 0
  return [
    ...ports.flatMap(port => obstacle('port', `port ${port.published}/${port.protocol} is in use`)),
    ...elsewhere.flatMap(({ volume, node }) => obstacle('volume', `volume ${volume} is on ${node}`)),
    ...(replicasPerNodeMax !== undefined && siblings >= replicasPerNodeMax
      ? obstacle('replicas', `${replicasPerNodeMax} replicas a node at most`)
      : []),
  ]
}

/** One line a reason, the most frequent first: `2 nodes: constraint node.labels.disk==ssd`. */
export function reasonLines(refusals: readonly Refusal[]): string[] {
  if (refusals.length === 0) return ['the cluster has no nodes: add one with swarm join']
  const groups = new Map<string, Obstacle[]>()
  for (const obstacle of refusals.flatMap(refusal => refusal.obstacles)) {
    groups.set(obstacle.what, [...(groups.get(obstacle.what) ?? []), obstacle])
  }
  return [...groups.entries()]
    .sort(([a, some], [b, others]) => others.length - some.length || (a < b ? -1 : 1))
    .map(([what, group]) => `${group.length} ${group.length === 1 ? 'node' : 'nodes'}: ${what}${freeText(group)}`)
}

/** `no node fits: 2 nodes: constraint node.labels.disk==ssd; 1 node: memory 512MiB wanted, 100MiB free`. */
export function summarize(refusals: readonly Refusal[]): string {
  return `no node fits: ${reasonLines(refusals).join('; ')}`
}

function freeText(group: readonly Obstacle[]): string {
  const free = group.flatMap(obstacle => obstacle.free ?? [])
  if (free.length === 0) return ''
  const most = Math.max(...free)
  const text = group[0]?.filter === 'cpu' ? cpus(Math.max(0, most)) : formatBytes(Math.max(0, most))
  return free.every(amount => amount === most) ? `, ${text} free` : `, at most ${text} free`
}

function cpus(nanoCpus: number): string {
  return String(Number((nanoCpus / 1e9).toFixed(3)))
}
