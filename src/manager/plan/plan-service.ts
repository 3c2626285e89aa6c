import type { ServiceRecord } from '../../core/model/task.ts'
import { restartAfter } from './restart.ts'
import type { TaskFacts } from './task-facts.ts'

/** What an orchestrator wants; where tasks go is for the placement to say. */
export type Intent =
  /** A new task, waiting if it has no place; what it replaces is told to stop with it. */
  | {
      readonly want: 'create'
      readonly slot: number
      readonly failures: number
      readonly because: string
      readonly replaces?: TaskFacts
    }
  | { readonly want: 'stop'; readonly facts: TaskFacts; readonly because: string }
  /**
   * A successor, only if there is a place for it. `lost`: the old one is told to stop with it, and is left as it is
   * without. `drain`: the old one stops once its successor is well; without a place it stays, and says why.
   */
  | { readonly want: 'move'; readonly facts: TaskFacts; readonly why: 'lost' | 'drain' }
  /** Nothing to do before this moment of the monotonic clock. */
  | { readonly want: 'wait'; readonly untilMs: number }

export interface ServiceView {
  readonly service: ServiceRecord
  /** Its tasks, oldest first. */
  readonly tasks: readonly TaskFacts[]
  /** Tasks of the present spec may start: what the service depends on is there. */
  readonly mayUpdate: boolean
  readonly endedSinceMs: ReadonlyMap<string, number>
  readonly monotonicMs: number
}

/** What has to change so that a service has its replicas, each of the present spec and on a living node. */
export function planService(view: ServiceView): Intent[] {
  const { service } = view
  const slots = new Map<number, TaskFacts[]>()
  for (let slot = 1; slot <= service.spec.replicas; slot++) slots.set(slot, [])
  const surplus: Intent[] = []
  for (const facts of view.tasks) {
    const slot = slots.get(facts.task.slot)
    if (slot !== undefined) slot.push(facts)
    else if (isWanted(facts)) surplus.push({ want: 'stop', facts, because: 'fewer replicas are wanted' })
  }
  // The highest slots go first, so that what stays is 1..n.
  surplus.sort((a, b) => slotOf(b) - slotOf(a))
  const kept = [...slots].flatMap(([slot, tasks]) => planSlot(slot, tasks, view))
  return [...surplus, ...kept, ...planUpdate([...slots.values()], view)]
}

/** Told to run, and not ended by our own doing. */
function isWanted({ task, situation }: TaskFacts): boolean {
  return task.desired === 'running' && situation !== 'ended'
}

function slotOf(intent: Intent): number {
  return 'facts' in intent ? intent.facts.task.slot : 0
}

function planSlot(slot: number, tasks: readonly TaskFacts[], view: ServiceView): Intent[] {
  const live = tasks.filter(facts => facts.situation === 'live')
  const lost = tasks.filter(facts => facts.situation === 'lost')
  const newestLive = live.at(-1)
  if (newestLive !== undefined) {
    return [
      ...live
        .slice(0, -1)
        .map(facts => retire(facts, newestLive))
        .filter(intent => intent !== undefined),
      ...lost.map(orphan),
      ...drain(live, tasks, view),
    ]
  }
  const newestLost = lost.at(-1)
  if (newestLost !== undefined) {
    const move: Intent = { want: 'move', facts: newestLost, why: 'lost' }
    return [...lost.slice(0, -1).map(orphan), ...(newestLost.pinned ? [] : [move])]
  }
  if (tasks.some(facts => facts.situation === 'stopping')) return []
  return planEmptySlot(slot, presentOf(tasks) ?? tasks.at(-1), view)
}

/** The task that stands for a slot: the newest that was not ended by our own doing. */
function presentOf(tasks: readonly TaskFacts[]): TaskFacts | undefined {
  return tasks.findLast(facts => facts.situation !== 'ended')
}

/** An older task beside a newer one: it only stays to bridge the start of its successor while its node is emptied. */
function retire(older: TaskFacts, newer: TaskFacts): Intent | undefined {
  const isReady = newer.settled || newer.task.node === undefined
  if (older.draining && !isReady) return undefined
  if (older.settled && !newer.settled && !isOlderSpec(older, newer)) {
    return { want: 'stop', facts: newer, because: 'the node of the task before it is no longer being drained' }
  }
  return { want: 'stop', facts: older, because: 'it has a successor' }
}

function isOlderSpec(older: TaskFacts, newer: TaskFacts): boolean {
  return older.task.specHash !== newer.task.specHash
}

function orphan(facts: TaskFacts): Intent {
  return { want: 'stop', facts, because: 'its node is down and it was replaced' }
}

function drain(live: readonly TaskFacts[], tasks: readonly TaskFacts[], view: ServiceView): Intent[] {
  const [only, ...others] = live
  if (only === undefined || others.length > 0 || !only.draining) return []
  const move: Intent = { want: 'move', facts: only, why: 'drain' }
  const successor = tasks.at(-1)
  if (successor === undefined || successor === only || !hasEndedByItself(successor)) return [move]
  const [next] = restart(successor, view)
  return [next?.want === 'wait' ? next : move]
}

function planEmptySlot(slot: number, last: TaskFacts | undefined, view: ServiceView): Intent[] {
  if (last === undefined) return [{ want: 'create', slot, failures: 0, because: 'a replica is missing' }]
  // An update takes care of it, or the restart policy once the spec is the present one.
  if (last.situation === 'ended') {
    return [{ want: 'create', slot, failures: last.task.failures, because: 'a replica is missing' }]
  }
  return isOutdated(last, view) ? [] : restart(last, view)
}

function restart(last: TaskFacts, view: ServiceView): Intent[] {
  const next = restartAfter(last, view.service.spec.restart)
  if (!next.restart) return []
  const untilMs = (view.endedSinceMs.get(last.task.id) ?? view.monotonicMs) + next.delayMs
  if (view.monotonicMs < untilMs) return [{ want: 'wait', untilMs }]
  const { failures } = next
  return [{ want: 'create', slot: last.task.slot, failures, because: 'the task before it ended', replaces: last }]
}

function isOutdated(facts: TaskFacts, view: ServiceView): boolean {
  return facts.task.specHash !== view.service.specHash
}

/**
 * Replaces tasks of an older spec: all that do not run at once, and of those that do one at a time, the old one stopped
 * before the new one starts. Goes on only while every replica already updated is well.
 */
function planUpdate(slots: readonly (readonly TaskFacts[])[], view: ServiceView): Intent[] {
  const outdated = slots.flatMap(tasks => {
    const present = presentOf(tasks)
    return present !== undefined && isOutdated(present, view) && present.situation !== 'stopping' ? [present] : []
  })
  if (outdated.length === 0) return []
  const idle = outdated.filter(facts => facts.task.node === undefined || hasEndedByItself(facts))
  if (idle.length > 0) return idle.map(renew)
  const running = outdated.filter(facts => facts.situation === 'live' && !facts.draining)
  const next = running[0]
  if (next === undefined || !view.mayUpdate || slots.some(tasks => isUpdating(tasks, view))) return []
  return [{ want: 'stop', facts: next, because: 'its spec has changed' }]
}

function hasEndedByItself({ situation }: TaskFacts): boolean {
  return situation === 'complete' || situation === 'failed'
}

function renew(facts: TaskFacts): Intent {
  return { want: 'create', slot: facts.task.slot, failures: 0, because: 'its spec has changed', replaces: facts }
}

/** A slot whose old task was stopped for the new spec and whose new task is not well yet. */
function isUpdating(tasks: readonly TaskFacts[], view: ServiceView): boolean {
  if (tasks.some(facts => facts.situation === 'stopping')) return true
  const present = presentOf(tasks)
  if (present === undefined) return tasks.length > 0
  if (isOutdated(present, view) || present.settled) return false
  // A replica that never had a place takes nothing away from the service by waiting.
  return present.task.node !== undefined || tasks.length > 1
}
