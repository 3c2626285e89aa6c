import type { ApplyResult, ProjectView } from '../../../../core/model/control-api.ts'
import type { DependencyCondition, ProjectSpec } from '../../../../core/model/service.ts'
import type { CommandContext } from '../../../command.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import type { ManagerApi } from '../manager-api.ts'
import { tellSteps } from '../plan-text.ts'
import { keepOthers } from '../spec/load-spec.ts'
import { replacedServices } from '../watch/rollout.ts'
import { waitForRollout } from '../watch/wait-rollout.ts'

export interface Dependants {
  readonly manager: ManagerApi
  readonly context: CommandContext
  readonly progress: Progress
  /** The service that is run once, with what it depends on. */
  readonly spec: ProjectSpec
  readonly service: string
  readonly running: ProjectView | undefined
}

const WAIT_MS = 600_000

/** The project with what a service needs to run once: its dependencies, networks and volumes, and all that runs as it is. Pure. */
export function surroundings({
  spec,
  service,
  running,
}: Pick<Dependants, 'spec' | 'service' | 'running'>): ProjectSpec {
  const replicas = new Map(running?.spec.services.map(known => [known.name, known.replicas]))
  const dependencies = spec.services
    .filter(({ name }) => name !== service)
    // What somebody has scaled stays so; what was stopped is started.
    .map(dependency => ({ ...dependency, replicas: replicas.get(dependency.name) || dependency.replicas }))
  return keepOthers({ ...spec, services: dependencies }, running?.spec, () => true)
}

/** Starts what a service depends on, and resolves when each is as far as the service wants it to be. */
export async function startDependencies(dependants: Dependants): Promise<void> {
  const { manager, progress, spec, service, running } = dependants
  const result = await manager.apply(surroundings(dependants), {})
  const names = spec.services.map(({ name }) => name).filter(name => name !== service)
  if (names.length === 0) return
  tellSteps({ ...result, changed: true, warnings: [], steps: changesOf(result) }, progress)
  const before = new Set((running?.tasks ?? []).map(({ id }) => id))
  await follow(dependants, { goal: 'started', services: names, before, replaced: replacedServices(result.steps) })
  const dependsOn = spec.services.find(({ name }) => name === service)?.dependsOn ?? []
  const withCondition = (wanted: DependencyCondition): string[] =>
    dependsOn.flatMap(({ service, condition }) => (condition === wanted && names.includes(service) ? [service] : []))
  const [healthy, completed] = [withCondition('service_healthy'), withCondition('service_completed_successfully')]
  const later = { before, replaced: new Set<string>() }
  if (healthy.length > 0) await follow(dependants, { ...later, goal: 'healthy', services: healthy })
  if (completed.length > 0) await follow(dependants, { ...later, goal: 'completed', services: completed })
}

function changesOf({ steps }: ApplyResult): ApplyResult['steps'] {
  return steps.filter(({ action }) => action !== 'keep')
}

async function follow(
  { manager, context, progress, spec }: Dependants,
  watched: Parameters<typeof waitForRollout>[0]['watched'],
): Promise<void> {
  const { clock, signal } = context
  await waitForRollout({
    watched,
    progress,
    clock,
    signal,
    timeoutMs: WAIT_MS,
    view: () => manager.project(spec.name),
  })
}
