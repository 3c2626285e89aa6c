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
  if (failed.length > (update.maxFailureRatio ?? 0) * slots.length) {
    const ill = failed.map(tasks => illOf(tasks, view))
    const printed = ill.map(facts => facts?.status?.lastEnd?.printed ?? []).find(lines => lines.length > 0) ?? []
    return { want: 'roll-back', because: ill.map(reason).join('; '), printed }
  }
  const present = slots.map(presentOf)
  if (!present.every(facts => facts?.settled === true && !isOutdated(facts, view))) return undefined
  const sinceMs = present.map(facts =>
    facts?.situation === 'live' ? (wellSinceMs.get(facts.task.id) ?? monotonicMs) : Number.NEGATIVE_INFINITY,
  )
  const untilMs = Math.max(...sinceMs) + monitorMsOf(update)
  return untilMs > monotonicMs ? { want: 'wait', untilMs } : { want: 'end-update' }
}

/** The newest task of a slot that has something to say of its failure, for its successor has not ended yet. */
function illOf(tasks: readonly TaskFacts[], view: ServiceView): TaskFacts | undefined {
  const own = tasks.filter(facts => !isOutdated(facts, view))
  return (
    own.findLast(({ status }) => status?.error !== undefined) ??
    own.findLast(({ status }) => status?.health === 'unhealthy' || exitCodeOf(status) !== undefined) ??
    presentOf(own)
  )
}

/** `shop-web-2: it exited with code 3`. */
function reason(ill: TaskFacts | undefined): string {
  return ill === undefined ? '' : `${taskContainerName(ill.task)}: ${ailment(ill.status)}`
}

function ailment(status: TaskStatus | undefined): string {
  if (status?.error !== undefined) return status.error
  if (status?.health === 'unhealthy') return 'it is unhealthy'
  const exitCode = exitCodeOf(status)
  return exitCode === undefined ? 'it ended by itself' : `it exited with code ${exitCode}`
}

/** What runs again has none itself. */
function exitCodeOf(status: TaskStatus | undefined): number | undefined {
  return status?.exitCode ?? status?.lastEnd?.exitCode
}
