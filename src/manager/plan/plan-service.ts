import type { Intent, ServiceView } from './intent.ts'
import { planUpdate } from './plan-update.ts'
import { restartAfter } from './restart.ts'
import { currentOf, hasEndedByItself, isOutdated, isStartFirst, presentOf } from './slot-tasks.ts'
import type { TaskFacts } from './task-facts.ts'

/** What has to change so that a service has its replicas, each of the present spec and on a living node. */
export function planService(view: ServiceView): Intent[] {
  const slots = new Map<number, TaskFacts[]>([...view.slots].map(slot => [slot, []]))
  const surplus: Intent[] = []
  for (const facts of view.tasks) {
    const slot = slots.get(facts.task.slot)
    if (slot !== undefined) slot.push(facts)
    else if (isWanted(facts)) surplus.push({ want: 'stop', facts, because: surplusReason(view) })
  }
  // The highest slots go first, so that what stays is 1..n.
  surplus.sort((a, b) => slotOf(b) - slotOf(a))
  const kept = [...slots].flatMap(([slot, tasks]) => planSlot(slot, tasks, view))
  return [...surplus, ...kept, ...planUpdate([...slots.values()], view)]
}

function surplusReason({ service }: ServiceView): string {
  const isGlobal = service.spec.mode === 'global' && service.spec.replicas > 0
  return isGlobal ? 'its node is to have no task of the service' : 'fewer replicas are wanted'
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
  // A spec that is the present one again may have a replica that still serves beside what was to follow it.
  const kept = currentOf(live, view) ?? live.at(-1)
  if (kept !== undefined) {
    return [
      ...live
        .filter(facts => facts !== kept)
        .map(facts => (isOvertaken(facts, kept, view) ? retire(facts, kept) : undefined))
        .filter(intent => intent !== undefined),
      ...lost.map(orphan),
      ...(isOutdated(kept, view) ? succeed(kept, tasks.at(-1), view) : []),
      ...drain(live, tasks, view),
    ]
  }
  const newestLost = lost.at(-1)
  if (newestLost !== undefined) {
    const move: Intent = { want: 'move', facts: newestLost, why: 'lost' }
    const stays = newestLost.pinned || view.service.spec.mode === 'global'
    return [...lost.slice(0, -1).map(orphan), ...(stays ? [] : [move])]
  }
  if (tasks.some(facts => facts.situation === 'stopping')) return []
  return planEmptySlot(slot, presentOf(tasks) ?? tasks.at(-1), view)
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

/** A replica that is to serve until the new one is well is not stopped before. */
function isOvertaken(older: TaskFacts, newer: TaskFacts, { service }: ServiceView): boolean {
  return !isStartFirst(service) || !isOlderSpec(older, newer) || newer.settled
}

/** The successor of a replica that still serves has ended already: it goes on in its place, or is tried again. */
function succeed(serving: TaskFacts, newest: TaskFacts | undefined, view: ServiceView): Intent[] {
  if (newest === undefined || newest === serving || isOutdated(newest, view)) return []
  if (newest.situation === 'complete') return [{ want: 'stop', facts: serving, because: 'it has a successor' }]
  return newest.situation === 'failed' ? restart(newest, view) : []
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
