import { type TaskStatus, taskContainerName } from '../../core/model/task.ts'
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
    return { want: 'roll-back', because: failed.map(tasks => reason(tasks, view)).join('; ') }
  const present = slots.map(presentOf)
  if (!present.every(facts => facts?.settled === true && !isOutdated(facts, view))) return undefined
  const sinceMs = present.map(facts =>
    facts?.situation === 'live' ? (wellSinceMs.get(facts.task.id) ?? monotonicMs) : Number.NEGATIVE_INFINITY,
  )
  const untilMs = Math.max(...sinceMs) + monitorMsOf(update)
  return untilMs > monotonicMs ? { want: 'wait', untilMs } : { want: 'end-update' }
}

/** `shop-web-2: it exited with code 3`: of the newest that has something to say, for its successor has not ended yet. */
function reason(tasks: readonly TaskFacts[], view: ServiceView): string {
  const own = tasks.filter(facts => !isOutdated(facts, view))
  const newest =
    own.findLast(({ status }) => status?.error !== undefined) ??
    own.findLast(({ status }) => status?.health === 'unhealthy' || status?.exitCode !== undefined) ??
    presentOf(own)
  if (newest === undefined) return ''
  return `${taskContainerName(newest.task)}: ${ailment(newest.status)}`
}

function ailment({ error, health, exitCode }: Partial<TaskStatus> = {}): string {
  if (error !== undefined) return error
  if (health === 'unhealthy') return 'it is unhealthy'
  return exitCode === undefined ? 'it ended by itself' : `it exited with code ${exitCode}`
}
