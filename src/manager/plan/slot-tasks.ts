import type { UpdateSpec } from '../../core/model/service.ts'
import type { ServiceRecord } from '../../core/model/task.ts'
import type { TaskFacts } from './task-facts.ts'

/** The task that stands for a slot: the newest that was not ended by our own doing. */
export function presentOf(tasks: readonly TaskFacts[]): TaskFacts | undefined {
  return tasks.findLast(facts => facts.situation !== 'ended')
}

/** The newest task of the present spec that is wanted and has not ended. */
export function currentOf(
  tasks: readonly TaskFacts[],
  view: { readonly service: ServiceRecord },
): TaskFacts | undefined {
  return tasks.findLast(facts => facts.situation === 'live' && !isOutdated(facts, view))
}

export function isOutdated(facts: TaskFacts, { service }: { readonly service: ServiceRecord }): boolean {
  return facts.task.specHash !== service.specHash
}

export function hasEndedByItself({ situation }: TaskFacts): boolean {
  return situation === 'complete' || situation === 'failed'
}

/** A node has one task of a global service: a second one would wait for ever for the first to go. */
export function isStartFirst(service: ServiceRecord): boolean {
  return updateOf(service).order === 'start-first' && service.spec.mode !== 'global'
}

/** How tasks of another spec are replaced by those of the present one. */
export function updateOf({ spec, rolledBack }: ServiceRecord): UpdateSpec {
  return (rolledBack === undefined ? spec.update : spec.rollback) ?? {}
}

/** Docker's default. */
const MONITOR_MS = 5_000

/** How long a task of a new spec is watched for failures: where they have the change taken back, for a while in any case. */
export function monitorMsOf({ monitorMs, failureAction }: UpdateSpec): number {
  return monitorMs ?? (failureAction === 'rollback' ? MONITOR_MS : 0)
}

/** Its task of the present spec ended badly or is not well, or was made because another one ended so. */
export function hasFailed(tasks: readonly TaskFacts[], view: { readonly service: ServiceRecord }): boolean {
  const present = presentOf(tasks)
  if (present === undefined || isOutdated(present, view)) return false
  const { situation, task, status } = present
  return situation === 'failed' || task.failures > 0 || (status?.restarts ?? 0) > 0 || status?.health === 'unhealthy'
}
