import type { Clock } from '../../core/clock.ts'
import { conflict, invalidInput } from '../../core/errors.ts'
import type { Rebalance } from '../../core/model/control-api.ts'
import { taskCodec } from '../../discovery/index.ts'
import { unchanged } from '../loop/transactions.ts'
import { nodeStates } from '../model/node-state.ts'
import { NOTHING_OBSERVED } from '../model/observations.ts'
import type { DecideOptions } from '../model/round.ts'
import type { Standalone } from '../model/standalone.ts'
import { areTasksLeaving, planRebalance } from '../plan/plan-rebalance.ts'
import type { ApplyPorts } from './apply.ts'

export interface RebalancePorts extends Pick<ApplyPorts, 'snapshot' | 'write'> {
  readonly clock: Clock
  readonly options: DecideOptions
  readonly standalone?: Standalone | undefined
}

const TRIES = 5
/** All of them are one transaction. */
const MOVES_MAX = 50

/**
 * Asks tasks to leave fuller nodes for emptier ones. Each leaves once its successor is well. Throws 400 `BAD_BUDGET`, 409
 * `STILL_MOVING`, 400
 * `NOT_SPREAD` for a strategy that does not want nodes to be equally full.
 */
export async function rebalance(
  { moves: movesMax, dryRun }: { readonly moves: number; readonly dryRun: boolean },
  { snapshot, write, clock, options, standalone }: RebalancePorts,
): Promise<Rebalance> {
  if (!Number.isInteger(movesMax) || movesMax < 1 || movesMax > MOVES_MAX) {
    throw invalidInput('BAD_BUDGET', `Cannot make ${movesMax} moves: say a number from 1 to ${MOVES_MAX}`)
  }
  const { strategy, overcommit } = options
  if (strategy !== 'spread') {
    throw invalidInput(
      'NOT_SPREAD',
      `This cluster places by the strategy ${strategy}: only spread nodes can be rebalanced`,
    )
  }
  // How long absent nodes have been so is no matter here: none of them gets or loses a task.
  const round = { monotonicMs: clock.monotonicMs(), observations: NOTHING_OBSERVED, options }
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const now = snapshot()
    if (areTasksLeaving(now)) {
      throw conflict('STILL_MOVING', 'Tasks are still leaving their nodes: rebalance again when they have')
    }
    const planned = planRebalance(now, nodeStates(now, round), {
      movesMax,
      overcommit,
      standalone: standalone?.reservations(),
    })
    const moves = planned.map(({ facts: { task }, from, to }) => ({
      task: task.id,
      name: `${task.project}-${task.service}-${task.slot}`,
      from,
      to,
    }))
    if (dryRun || moves.length === 0) return { moves }
    const written = await write({
      compares: planned.map(({ facts }) => unchanged(facts.stored)),
      operations: planned.map(({ facts: { stored, task } }) => ({
        put: stored.key,
        value: taskCodec.encode({ ...task, leaving: true }),
      })),
    })
    if (written) return { moves }
  }
  throw conflict('BUSY', 'Cannot rebalance: the cluster is changing all the time; try again')
}
