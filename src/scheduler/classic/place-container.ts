import type { PlacementRecord } from '../../core/model/explanation.ts'
import { decide, recordOf } from '../decision.ts'
import type { Strategy } from '../rank.ts'
import { stateObstacles } from '../refusals.ts'
import type { ClusterView } from '../view/cluster-view.ts'
import type { ClusterContents } from './cluster-contents.ts'
import { attemptsOf, demandsOf, type FilterDemands, placeDemands } from './container-attempts.ts'
import type { ContainerRequest } from './container-request.ts'
import type { NodeFilter } from './filters.ts'

export type ContainerPlacement =
  /** The record must be asked for before the container is reserved. */
  | { readonly placed: true; readonly node: string; readonly record: () => PlacementRecord }
  /** Classic Swarm's sentence. */
  | { readonly placed: false; readonly message: string }

export interface ContainerPlacing {
  /** In the order in which they are applied. */
  readonly filters: readonly NodeFilter[]
  readonly strategy: Strategy
}

/**
 * Chooses a node for a container as classic Swarm does (scheduler/scheduler.go): by every filter, first with wishes taken for
 * demands, and if that leaves no node once more without any of them; then the best by the strategy. Ties go to the first by
 * name, so equal clusters give equal answers. Pure; what was chosen takes up room once it is reserved.
 */
export function placeContainer(
  request: ContainerRequest,
  contents: ClusterContents,
  placing: ContainerPlacing,
): ContainerPlacement {
  const { view } = contents
  const demands = demandsOf(request, contents, placing.filters)
  const decision = decide(
    view,
    attemptsOf(request, contents, { demands, strategy: placing.strategy }),
    placing.strategy,
  )
  if (decision === undefined)
    return { placed: false, message: failureOf(request, contents, { demands, strategy: placing.strategy }) }
  const node = view.node(decision.slot)?.name ?? ''
  return { placed: true, node, record: () => recordOf(view, decision) }
}

/** Nodes that would do, but for being down, paused or drained. */
function closedText(view: ClusterView, demands: readonly FilterDemands[]): string {
  const tests = demands.filter(({ filter }) => filter.name !== 'health').flatMap(each => each.demands)
  const closed = [...view.slotsByName()].flatMap(slot => {
    const obstacles = stateObstacles(view, slot)
    const wouldDo = tests.every(demand => demand.soft || demand.holds(slot))
    return obstacles.length === 0 || !wouldDo ? [] : [`${view.node(slot)?.name}: ${obstacles[0]?.what}`]
  })
  const more = closed.length > CLOSED_MAX ? [`and ${closed.length - CLOSED_MAX} more`] : []
  return closed.length === 0 ? '' : `\n${[...closed.slice(0, CLOSED_MAX), ...more].join(', ')}`
}

const CLOSED_MAX = 5

/** Names what was asked for up to the filter that left no node, as classic Swarm does. */
function failureOf(
  request: ContainerRequest,
  contents: ClusterContents,
  { demands, strategy }: { readonly demands: readonly FilterDemands[]; readonly strategy: Strategy },
): string {
  const { view } = contents
  let left = [...view.slotsByName()]
  if (left.length === 0) return 'No nodes available in the cluster'
  left = left.filter(slot => view.node(slot)?.availability === 'active')
  if (left.length === 0) return 'No node takes new containers: all of them are paused or being drained'
  for (const [index, { filter, demands: own }] of demands.entries()) {
    left = left.filter(slot => own.every(demand => demand.soft || demand.holds(slot)))
    if (left.length > 0) continue
    if (filter.name === 'health') return 'No healthy node available in the cluster'
    const lists = demands
      .slice(0, index + 1)
      .map(each => each.filter.wishes(request))
      .filter(wishes => wishes.length > 0)
      .map(wishes => `\n[${wishes.join(' ')}]`)
    const sentence = `Unable to find a node that satisfies the following conditions ${lists.join('')}`
    return `${sentence}${closedText(view, demands)}`
  }
  const places = placeDemands(request, contents, strategy).filter(({ soft }) => !soft)
  const elsewhere = places.filter(({ holds }) => !left.some(holds)).flatMap(({ obstacles }) => obstacles(-1))
  if (elsewhere.length > 0) return `No node fits: ${elsewhere.map(({ what }) => what).join(', ')}`
  return 'no resources available to schedule container'
}
