import type { Action } from '../model/action.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { TaskFacts } from './task-facts.ts'

interface HistoryRules {
  readonly wanted: ReadonlySet<number>
  readonly perSlot: number
  readonly isBack: (node: string) => boolean
  readonly isGone: (node: string) => boolean
}

/**
 * Forgets ended tasks of one service. Each of its slots keeps its newest task and `perSlot` older ones; slots that
 * are not wanted keep nothing. Tasks on a lost node stay until it is back, so that it is told to stop them; those of a node that was
 * removed from the cluster go at once.
 */
export function planHistory(
  tasks: readonly TaskFacts[],
  snapshot: Snapshot,
  { wanted, perSlot, isBack, isGone }: HistoryRules,
): Action[] {
  const slots = Map.groupBy(tasks, facts => facts.task.slot)
  return [...slots].flatMap(([slot, inSlot]) => {
    const kept = wanted.has(slot) ? perSlot + 1 : 0
    const isGoneNode = (node: string | undefined): boolean => node !== undefined && isGone(node)
    const isForgotten = ({ task: { node }, situation }: TaskFacts, age: number): boolean =>
      HISTORY.has(situation) && (isGoneNode(node) || (age >= kept && (node === undefined || isBack(node))))
    return inSlot
      .toReversed()
      .filter(isForgotten)
      .map(facts => forget(facts, snapshot))
  })
}

const HISTORY: ReadonlySet<TaskFacts['situation']> = new Set(['ended', 'failed', 'complete'])

export function forget({ stored }: TaskFacts, snapshot: Snapshot): Action {
  const status = snapshot.status.get(stored.value.id)
  return { do: 'forget-task', task: stored, ...(status === undefined ? {} : { status }) }
}
