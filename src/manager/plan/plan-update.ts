import type { Intent, ServiceView } from './intent.ts'
import { currentOf, hasEndedByItself, isOutdated, isStartFirst, presentOf } from './slot-tasks.ts'
import type { TaskFacts } from './task-facts.ts'

const CHANGED = 'its spec has changed'

type Slots = readonly (readonly TaskFacts[])[]

/**
 * Replaces tasks of an older spec: all that do not run at once, and of those that do as many at a time as the service
 * says, one unless it says otherwise. Goes on only while enough of those already updated are well.
 */
export function planUpdate(slots: Slots, view: ServiceView): Intent[] {
  const outdated = slots.flatMap(tasks => {
    const present = currentOf(tasks, view) ?? presentOf(tasks)
    return present !== undefined && isOutdated(present, view) && present.situation !== 'stopping' ? [present] : []
  })
  if (outdated.length === 0) return []
  const idle = outdated.filter(facts => facts.task.node === undefined || hasEndedByItself(facts))
  if (idle.length > 0) return idle.map(renew)
  const running = outdated.filter(facts => facts.situation === 'live' && !facts.draining)
  if (running.length === 0 || !view.mayUpdate) return []
  const { parallelism = 1 } = view.service.spec.update ?? {}
  const room = (parallelism === 0 ? running.length : parallelism) - updatingIn(slots, view)
  if (room <= 0) return []
  const untilMs = settledAtMs(slots, view)
  if (untilMs > view.monotonicMs) return [{ want: 'wait', untilMs }]
  const replace = isStartFirst(view.service) ? begin : stop
  return running.slice(0, room).map(replace)
}

function stop(facts: TaskFacts): Intent {
  return { want: 'stop', facts, because: CHANGED }
}

function renew(facts: TaskFacts): Intent {
  return { ...begin(facts), replaces: facts }
}

/** Beside the one there is, which goes once this one is well. */
function begin(facts: TaskFacts): Extract<Intent, { want: 'create' }> {
  return { want: 'create', slot: facts.task.slot, failures: 0, because: CHANGED }
}

/** How many slots are on their way to the new spec. Those that failed on it do not count as long as so many may fail. */
function updatingIn(slots: Slots, view: ServiceView): number {
  const updating = slots.filter(tasks => isUpdating(tasks, view))
  const failed = updating.filter(tasks => hasFailed(tasks, view))
  const { failureAction, maxFailureRatio = 0 } = view.service.spec.update ?? {}
  const isTolerated = failureAction === 'continue' || failed.length <= maxFailureRatio * slots.length
  if (!isTolerated) return Number.POSITIVE_INFINITY
  return updating.length - failed.length
}

/** A slot whose old task was stopped for the new spec, or is about to be, and whose new task is not well yet. */
function isUpdating(tasks: readonly TaskFacts[], view: ServiceView): boolean {
  if (tasks.some(facts => facts.situation === 'stopping')) return true
  const present = presentOf(tasks)
  if (present === undefined) return tasks.length > 0
  if (isOutdated(present, view) || present.settled) return false
  // A replica that never had a place takes nothing away from the service by waiting.
  return present.task.node !== undefined || tasks.length > 1
}

/** Its task of the new spec ended badly, or is one that was made because another did. */
function hasFailed(tasks: readonly TaskFacts[], view: ServiceView): boolean {
  const present = presentOf(tasks)
  if (present === undefined || isOutdated(present, view)) return false
  return present.situation === 'failed' || present.task.failures > 0 || (present.status?.restarts ?? 0) > 0
}

/** When, on the monotonic clock, all that were updated have been well for as long as is asked for. */
function settledAtMs(slots: Slots, { service, wellSinceMs }: ServiceView): number {
  const { delayMs = 0, monitorMs = 0 } = service.spec.update ?? {}
  const wait = Math.max(delayMs, monitorMs)
  if (wait === 0) return 0
  const updated = slots.flat().filter(facts => facts.situation === 'live' && !isOutdated(facts, { service }))
  return Math.max(0, ...updated.map(({ task }) => (wellSinceMs.get(task.id) ?? 0) + wait))
}
