import type { Action } from '../model/action.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { TaskFacts } from './task-facts.ts'

/**
 * Forgets ended tasks of one service. Each of its slots keeps its newest task and `perSlot` older ones; slots beyond the
 * replicas keep nothing. Tasks on a lost node stay until it is back, so that it is told to stop them.
 */
export function planHistory(
  tasks: readonly TaskFacts[],
  snapshot: Snapshot,
  { replicas, perSlot, isBack }: { replicas: number; perSlot: number; isBack: (node: string) => boolean },
): Action[] {
  const slots = Map.groupBy(tasks, facts => facts.task.slot)
  return [...slots].flatMap(([slot, inSlot]) => {
    const kept = slot <= replicas ? perSlot + 1 : 0
    return inSlot
      .toReversed()
      .slice(kept)
      .filter(facts => HISTORY.has(facts.situation) && (facts.task.node === undefined || isBack(facts.task.node)))
      .map(facts => forget(facts, snapshot))
  })
}

const HISTORY: ReadonlySet<TaskFacts['situation']> = new Set(['ended', 'failed', 'complete'])

export function forget({ stored }: TaskFacts, snapshot: Snapshot): Action {
  const status = snapshot.status.get(stored.value.id)
  return { do: 'forget-task', task: stored, ...(status === undefined ? {} : { status }) }
}
