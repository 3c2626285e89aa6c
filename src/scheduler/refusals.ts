import type { Change, NodeVerdict, Obstacle, ObstacleFilter } from '../core/model/explanation.ts'
import { formatBytes } from '../core/units.ts'
import type { HostPort, PlacementRequest } from './node.ts'
import type { ClusterView } from './view/cluster-view.ts'
import type { ConstraintMask } from './view/constraint-masks.ts'

/** Everything that is in the way on one node; never empty. */
export type Refusal = Pick<NodeVerdict, 'node' | 'obstacles'>

export function refusalsOf(
  request: PlacementRequest,
  view: ClusterView,
  masks: readonly ConstraintMask[],
): readonly Refusal[] {
  const obstaclesOn = taskObstacles(request, view, masks)
  return Array.from(view.slotsByName(), slot => ({
    node: view.node(slot)?.name ?? '',
    obstacles: obstaclesOn(slot),
  }))
}

/** All that is in the way of a task on a node. */
export function taskObstacles(
  request: PlacementRequest,
  view: ClusterView,
  masks: readonly ConstraintMask[],
): (slot: number) => readonly Obstacle[] {
  return slot => [
    ...stateObstacles(view, slot),
    ...constraintObstacles(masks, slot),
    ...amountObstacles(request, view, slot),
    ...portObstacles(request.hostPorts, view, slot),
    ...volumeObstacles(request, view, slot),
    ...replicaObstacles(request, view, slot),
  ]
}

export function obstacle(filter: ObstacleFilter, what: string, change: Change): Obstacle {
  return { filter, what, change }
}

export function stateObstacles(view: ClusterView, slot: number): Obstacle[] {
  const { name = '', ready = false, availability = 'active' } = view.node(slot) ?? {}
  const down = ready ? [] : [obstacle('health', 'node is down', { do: 'start-node', node: name })]
  if (availability === 'active') return down
  const what = availability === 'pause' ? 'node is paused' : 'node is being drained'
  return [...down, obstacle('availability', what, { do: 'activate-node', node: name })]
}

export function constraintObstacles(masks: readonly ConstraintMask[], slot: number): Obstacle[] {
  return masks.flatMap(({ constraint, holds }) => {
    if (holds[slot] === 1) return []
    const { expression } = constraint
    return obstacle('constraint', `constraint ${expression}`, { do: 'drop', what: 'constraint', text: expression })
  })
}

export function amountObstacles(
  { nanoCpus, memoryBytes }: Pick<PlacementRequest, 'nanoCpus' | 'memoryBytes'>,
  view: ClusterView,
  slot: number,
): Obstacle[] {
  const { totalCpus, usedCpus, totalMemory, usedMemory } = view.figures()
  const node = view.node(slot)?.name ?? ''
  const lacking = (what: 'cpu' | 'memory', wanted: number, total: number, used: number): Obstacle[] => {
    const free = total - used
    if (wanted === 0 || wanted <= free) return []
    const shown = what === 'cpu' ? formatCpus(wanted) : formatBytes(wanted)
    const change: Change =
      wanted > total
        ? { do: 'ask-for-less', what, atMost: Math.max(0, free) }
        : { do: 'free', node, what, amount: wanted - free }
    return [{ filter: what, what: `${what} ${shown} wanted`, free, change }]
  }
  return [
    ...lacking('cpu', nanoCpus, totalCpus[slot] ?? 0, usedCpus[slot] ?? 0),
    ...lacking('memory', memoryBytes, totalMemory[slot] ?? 0, usedMemory[slot] ?? 0),
  ]
}

export function portObstacles(hostPorts: readonly HostPort[], view: ClusterView, slot: number): Obstacle[] {
  const node = view.node(slot)?.name ?? ''
  return hostPorts.flatMap(wanted => {
    const port = `${wanted.published}/${wanted.protocol}`
    return view
      .portConflicts(slot, wanted)
      .map(({ holder }) =>
        obstacle('port', `port ${port} is in use`, { do: 'free-port', node, port, holder: view.nameOf(holder) }),
      )
  })
}

function volumeObstacles({ volumes }: PlacementRequest, view: ClusterView, slot: number): Obstacle[] {
  const name = view.node(slot)?.name
  return volumes.flatMap(volume => {
    const node = view.volumeNode(volume)
    if (node === undefined || node === name) return []
    return obstacle('volume', `volume ${volume} is on ${node}`, { do: 'drop', what: 'volume', text: volume })
  })
}

function replicaObstacles(request: PlacementRequest, view: ClusterView, slot: number): Obstacle[] {
  const { replicasPerNodeMax = Number.POSITIVE_INFINITY, serviceId } = request
  const siblings = view.siblings(serviceId).counts.get(slot) ?? 0
  if (siblings < replicasPerNodeMax) return []
  const change: Change = { do: 'allow-replicas', node: view.node(slot)?.name ?? '', replicas: siblings + 1 }
  return [obstacle('replicas', `${replicasPerNodeMax} replicas a node at most`, change)]
}

/** One line a reason, the most frequent first: `2 nodes: constraint node.labels.disk==ssd`. */
export function reasonLines(refusals: readonly Refusal[]): string[] {
  if (refusals.length === 0) return ['the cluster has no nodes: add one with swarm join']
  const groups = new Map<string, Obstacle[]>()
  for (const each of refusals.flatMap(({ obstacles }) => [
    ...new Map(obstacles.map(one => [one.what, one])).values(),
  ])) {
    const group = groups.get(each.what)
    if (group === undefined) groups.set(each.what, [each])
    else group.push(each)
  }
  return [...groups.entries()]
    .sort(([a, some], [b, others]) => others.length - some.length || (a < b ? -1 : 1))
    .map(
      ([what, group]) =>
        `${group.length} ${group.length === 1 ? 'node' : 'nodes'}: ${what}${holderText(group)}${freeText(group)}`,
    )
}

/** `no node fits: 2 nodes: constraint node.labels.disk==ssd; 1 node: memory 512MiB wanted, 100MiB free`. */
export function summarize(refusals: readonly Refusal[]): string {
  return `no node fits: ${reasonLines(refusals).join('; ')}`
}

/** Who holds a port that is in use; of several one is enough to find the others. */
function holderText(group: readonly Obstacle[]): string {
  const holders = new Set(group.flatMap(({ change }) => (change.do === 'free-port' ? change.holder : [])))
  const [first] = holders
  if (first === undefined) return ''
  return holders.size === 1 ? ` by ${first}` : ` by ${first} and ${holders.size - 1} more`
}

function freeText(group: readonly Obstacle[]): string {
  const free = group.flatMap(each => each.free ?? [])
  if (free.length === 0) return ''
  const most = free.reduce((a, b) => Math.max(a, b), 0)
  const text = group[0]?.filter === 'cpu' ? formatCpus(most) : formatBytes(most)
  return free.every(amount => Math.max(0, amount) === most) ? `, ${text} free` : `, at most ${text} free`
}

/** Billionths of a CPU for a person. */
export function formatCpus(nanoCpus: number): string {
  return String(Number((nanoCpus / 1e9).toFixed(3)))
}
