import { unreachable } from '../../core/invariant.ts'
import type { DependencyCondition, DependencySpec } from '../../core/model/service.ts'
import type { ServiceRecord } from '../../core/model/task.ts'
import { isAwaited } from './slots.ts'
import type { TaskFacts } from './task-facts.ts'

export interface ServiceTasks {
  readonly service: ServiceRecord
  readonly tasks: readonly TaskFacts[]
  /** Where it is to have tasks. */
  readonly slots: ReadonlySet<number>
}

/**
 * What a service still waits for, one sentence a dependency; empty: it may start. Replicas of a dependency that have no
 * place do not hold up anybody, as long as one replica meets the condition.
 */
export function unmetDependencies(
  dependencies: readonly DependencySpec[],
  find: (service: string) => ServiceTasks | undefined,
): string[] {
  return dependencies.flatMap(dependency => {
    const target = find(dependency.service)
    if (target === undefined) {
      return dependency.required ? [`waits for service ${dependency.service}, which does not exist`] : []
    }
    if (target.slots.size === 0 || isMet(dependency.condition, target)) return []
    if (!dependency.required && hasGivenUp(target)) return []
    return [`waits for service ${dependency.service} to be ${WORDS[dependency.condition]}`]
  })
}

const WORDS: Readonly<Record<DependencyCondition, string>> = {
  service_started: 'started',
  service_healthy: 'healthy',
  service_completed_successfully: 'completed successfully',
}

function isMet(condition: DependencyCondition, target: ServiceTasks): boolean {
  const placed = presentTasks(target).filter(facts => facts.task.node !== undefined)
  return placed.length > 0 && placed.every(facts => meets(condition, facts, target.service.specHash))
}

function meets(condition: DependencyCondition, facts: TaskFacts, specHash: string): boolean {
  if (facts.task.specHash !== specHash) return false
  switch (condition) {
    case 'service_started':
      return facts.situation === 'complete' || (facts.situation === 'live' && facts.status?.state === 'running')
    case 'service_healthy':
      return facts.situation === 'live' && facts.settled
    case 'service_completed_successfully':
      return facts.situation === 'complete'
    default:
      return unreachable(condition)
  }
}

/** The newest task of each slot that is not mere history. */
function presentTasks({ service, slots, tasks }: ServiceTasks): TaskFacts[] {
  const bySlot = new Map<number, TaskFacts>()
  for (const facts of tasks) {
    if (slots.has(facts.task.slot) && facts.situation !== 'ended') bySlot.set(facts.task.slot, facts)
  }
  return [...bySlot.values()].filter(facts => isAwaited(service, facts))
}

function hasGivenUp(target: ServiceTasks): boolean {
  return presentTasks(target).some(facts => facts.situation === 'failed' || facts.task.node === undefined)
}

/**
 * Whether tasks of a service wait for its dependencies: only until the first task of its present spec has started, so
 * that what is replaced later comes back at once.
 */
export function hasStartedBefore({ service, tasks }: ServiceTasks): boolean {
  return tasks.some(
    facts =>
      facts.task.specHash === service.specHash &&
      (facts.status?.startedAtMs !== undefined || facts.situation === 'complete' || facts.status?.state === 'running'),
  )
}
