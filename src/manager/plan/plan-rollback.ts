import { taskContainerName } from '../../core/model/task.ts'
import type { Intent, ServiceView } from './intent.ts'
import { hasFailed, isOutdated, monitorMsOf, presentOf } from './slot-tasks.ts'
import type { TaskFacts } from './task-facts.ts'

/**
 * Of a service whose last change is to be taken back if it fails: whether it has, and whether it has proved itself, which is once every
 * replica is one of the present spec and has been well for as long as `monitor` says.
 */
export function planRollback(slots: readonly (readonly TaskFacts[])[], view: ServiceView): Intent | undefined {
  const { service, wellSinceMs, monotonicMs } = view
  if (service.rollsBackTo === undefined) return undefined
  const { update = {} } = service.spec
  const failed = slots.filter(tasks => hasFailed(tasks, view))
  if (failed.length > (update.maxFailureRatio ?? 0) * slots.length)
    return { want: 'roll-back', because: failed.map(reason).join('; ') }
  const present = slots.map(presentOf)
  if (!present.every(facts => facts?.settled === true && !isOutdated(facts, view))) return undefined
  const sinceMs = present.map(facts =>
    facts?.situation === 'live' ? (wellSinceMs.get(facts.task.id) ?? monotonicMs) : Number.NEGATIVE_INFINITY,
  )
  const untilMs = Math.max(...sinceMs) + monitorMsOf(update)
  return untilMs > monotonicMs ? { want: 'wait', untilMs } : { want: 'end-update' }
}

/** `shop-web-2: The container exited with code 1`. */
function reason(tasks: readonly TaskFacts[]): string {
  const newest = tasks.findLast(({ status }) => status?.error !== undefined) ?? presentOf(tasks)
  if (newest === undefined) return ''
  const { task, status } = newest
  const unwell = status?.health === 'unhealthy' ? 'it is unhealthy' : 'it ended again and again'
  return `${taskContainerName(task)}: ${status?.error ?? unwell}`
}
