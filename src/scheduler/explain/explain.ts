import type { Explanation, NodeVerdict, Obstacle } from '../../core/model/explanation.ts'
import type { ClusterContents } from '../classic/cluster-contents.ts'
import { attemptsOf as containerAttempts, demandsOf, placeDemands } from '../classic/container-attempts.ts'
import type { ContainerRequest } from '../classic/container-request.ts'
import type { ContainerPlacing } from '../classic/place-container.ts'
import { decide } from '../decision.ts'
import type { PlacementRequest } from '../node.ts'
import { attemptsOf } from '../place.ts'
import type { Strategy } from '../rank.ts'
import { amountObstacles, stateObstacles, taskObstacles } from '../refusals.ts'
import { type Attempt, scoreOf } from '../score.ts'
import type { ClusterView } from '../view/cluster-view.ts'
import { smallestChange } from './smallest-change.ts'

/** How every node of the cluster stands to a task: what `place` would choose, and for each node all that is in the way. */
export function explainTask(request: PlacementRequest, view: ClusterView, strategy: Strategy): Explanation {
  const attempts = attemptsOf(request, view, strategy)
  return explain(view, {
    attempts,
    strategy,
    obstaclesOn: taskObstacles(request, view, attempts.at(-1)?.search.masks ?? []),
  })
}

/** The same for a container that is created by itself: what `placeContainer` would choose. */
export function explainContainer(
  request: ContainerRequest,
  contents: ClusterContents,
  { filters, strategy }: ContainerPlacing,
): Explanation {
  const { view } = contents
  const demands = demandsOf(request, contents, filters)
  const hard = [...demands.flatMap(each => each.demands), ...placeDemands(request, contents, strategy)].filter(
    ({ soft }) => !soft,
  )
  const attempts = containerAttempts(request, contents, { demands, strategy })
  const sized = attempts[0]?.search.question ?? { nanoCpus: 0, memoryBytes: 0 }
  return explain(view, {
    attempts,
    strategy,
    obstaclesOn: slot => [
      ...stateObstacles(view, slot),
      ...hard.flatMap(demand => (demand.holds(slot) ? [] : demand.obstacles(slot))),
      ...amountObstacles(sized, view, slot),
    ],
  })
}

/** As much of an explanation as is about one node, with what would make that node take it; undefined: there is no such node. */
export function aboutNode(node: string, explanation: Explanation): Explanation | undefined {
  const { strategy, wishesDropped, chosen } = explanation
  const nodes = explanation.nodes.filter(verdict => verdict.node === node)
  const isRefused = nodes.some(({ obstacles }) => obstacles.length > 0)
  const change = isRefused ? smallestChange(nodes) : undefined
  if (nodes.length === 0) return undefined
  return {
    strategy,
    wishesDropped,
    nodes,
    ...(chosen === undefined ? {} : { chosen }),
    ...(change === undefined ? {} : { smallestChange: change }),
  }
}

interface Parts {
  readonly attempts: readonly Attempt[]
  readonly strategy: Strategy
  readonly obstaclesOn: (slot: number) => readonly Obstacle[]
}

function explain(view: ClusterView, { attempts, strategy, obstaclesOn }: Parts): Explanation {
  const decision = decide(view, attempts, strategy)
  const scored = decision?.attempt ?? attempts.at(-1)
  const verdicts = Array.from(view.slotsByName(), (slot): NodeVerdict => {
    const obstacles = obstaclesOn(slot)
    const score = obstacles.length === 0 && scored !== undefined ? { score: scoreOf(view, slot, scored) } : {}
    return { node: view.node(slot)?.name ?? '', obstacles, ...score }
  })
  const chosen = decision === undefined ? undefined : (view.node(decision.slot)?.name ?? '')
  const change = chosen === undefined ? smallestChange(verdicts) : undefined
  return {
    strategy: strategy.name,
    wishesDropped: decision?.wishesDropped ?? false,
    nodes: verdicts.sort((a, b) => compare(a, b, chosen)),
    ...(chosen === undefined ? {} : { chosen }),
    ...(change === undefined ? {} : { smallestChange: change }),
  }
}

/** The chosen one, then by rank, then by the number of obstacles; the sort is stable, so equals stay sorted by name. */
function compare(a: NodeVerdict, b: NodeVerdict, chosen: string | undefined): number {
  const key = ({ node, score, obstacles }: NodeVerdict): readonly number[] => [
    node === chosen ? 0 : 1,
    obstacles.length,
    score?.rank ?? 0,
  ]
  const [ofA, ofB] = [key(a), key(b)]
  const at = ofA.findIndex((value, index) => value !== ofB[index])
  return at < 0 ? 0 : (ofA[at] ?? 0) - (ofB[at] ?? 0)
}
