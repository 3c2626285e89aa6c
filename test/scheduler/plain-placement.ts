import { type PlacementRequest, parseConstraint, type SchedulableNode } from '../../src/scheduler/index.ts'
import type { StrategyName } from '../../src/scheduler/rank.ts'

export type Held = PlacementRequest & { readonly id: string; readonly node: string }

/** What the plain rules know: lists, walked anew for each question. */
export interface PlainCluster {
  readonly nodes: readonly SchedulableNode[]
  readonly held: readonly Held[]
  /** By volume. */
  readonly volumes?: ReadonlyMap<string, string>
}

export interface PlainHow {
  readonly name: Exclude<StrategyName, 'random'>
  readonly wishes?: 'drop' | 'score'
}

/** The same rules as the scheduler's, written as plainly as possible, to hold the fast ones against. */
export function placePlainly(wanted: PlacementRequest, cluster: PlainCluster, how: PlainHow): string | undefined {
  const constraints = wanted.constraints.map(parseConstraint)
  const hard = constraints.filter(({ soft }) => !soft)
  const ways = how.wishes === 'score' ? [hard] : [constraints, hard]
  for (const demanded of ways) {
    const ranked = cluster.nodes
      .filter(node => demanded.every(({ holds }) => holds(node)) && fits(node, wanted, cluster))
      .map(node => ({ name: node.name, key: keyOf(node, wanted, cluster, how) }))
      .sort(byKey)
    if (ranked[0] !== undefined) return ranked[0].name
  }
  return undefined
}

function fits(node: SchedulableNode, wanted: PlacementRequest, { held, volumes = new Map() }: PlainCluster): boolean {
  const here = held.filter(each => each.node === node.name)
  const sum = (pick: (each: PlacementRequest) => number): number => here.reduce((total, each) => total + pick(each), 0)
  const siblings = here.filter(({ serviceId }) => serviceId === wanted.serviceId).length
  return (
    node.ready &&
    node.availability === 'active' &&
    (wanted.nanoCpus === 0 || sum(each => each.nanoCpus) + wanted.nanoCpus <= node.nanoCpus) &&
    (wanted.memoryBytes === 0 || sum(each => each.memoryBytes) + wanted.memoryBytes <= node.memoryBytes) &&
    (wanted.replicasPerNodeMax === undefined || siblings < wanted.replicasPerNodeMax) &&
    wanted.volumes.every(volume => (volumes.get(volume) ?? node.name) === node.name) &&
    wanted.hostPorts.every(({ published, protocol }) =>
      here.every(({ hostPorts }) =>
        hostPorts.every(taken => taken.published !== published || taken.protocol !== protocol),
      ),
    )
  )
}

/** Classic Swarm's weight (strategy/weighted_node.go), after the tasks of the same service; less is better. */
function keyOf(node: SchedulableNode, wanted: PlacementRequest, { held }: PlainCluster, how: PlainHow): number[] {
  const here = held.filter(each => each.node === node.name)
  const share = (asked: number, used: number, total: number): number =>
    asked === 0 ? 100 : Math.floor(((used + asked) * 100) / total)
  const used = (pick: (each: PlacementRequest) => number): number => here.reduce((total, each) => total + pick(each), 0)
  const score =
    share(
      wanted.nanoCpus,
      used(each => each.nanoCpus),
      node.nanoCpus,
    ) +
    share(
      wanted.memoryBytes,
      used(each => each.memoryBytes),
      node.memoryBytes,
    )
  const health = node.health ?? 100
  const siblings =
    wanted.serviceId === undefined ? 0 : here.filter(({ serviceId }) => serviceId === wanted.serviceId).length
  const wishes = wanted.constraints.map(parseConstraint).filter(({ soft }) => soft)
  const missed = how.wishes === 'score' ? wishes.filter(({ holds }) => !holds(node)).length : 0
  return how.name === 'spread'
    ? [missed, siblings, score - 10 * health, here.length]
    : [missed, -(score + 10 * health), siblings, -here.length]
}

interface Ranked {
  readonly name: string
  readonly key: readonly number[]
}

export function byKey(a: Ranked, b: Ranked): number {
  const at = a.key.findIndex((value, index) => value !== b.key[index])
  if (at < 0) return a.name < b.name ? -1 : 1
  return (a.key[at] ?? 0) - (b.key[at] ?? 0)
}
