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
export function isStartFirst({ spec }: ServiceRecord): boolean {
  return spec.update?.order === 'start-first' && spec.mode !== 'global'
}
