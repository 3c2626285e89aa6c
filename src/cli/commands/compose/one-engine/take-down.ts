import { ShoalError } from '../../../../core/errors.ts'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import type { PlanStep } from '../../../../core/model/control-api.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import type { Converging } from './converge.ts'
import { removeContainer } from './converge.ts'
import { inDependencyOrder, reversed } from './in-order.ts'
import { dependenciesOf, type Known, knownContainers } from './known-containers.ts'
import { unlessMissing } from './resources.ts'

const PARALLEL = 8

export interface DownOptions {
  readonly volumes: boolean
  readonly dryRun: boolean
  /** Only containers of these services; undefined: of all. Networks and volumes go with the last of them. */
  readonly services: readonly string[] | undefined
}

type Run = Pick<Converging, 'engine' | 'tell' | 'warn' | 'stopping'>

/** Takes a project away from one engine, by what its labels tell; undefined if there is nothing of it. */
export async function downOnEngine(
  project: string,
  options: DownOptions,
  run: Run,
): Promise<readonly PlanStep[] | undefined> {
  const { engine } = run
  const filters = { label: [`${COMPOSE_LABELS.project}=${project}`] }
  const [containers, networks, volumes] = await Promise.all([
    knownContainers(engine, project),
    engine.networks.list({ filters }),
    options.volumes ? engine.volumes.list({ filters }) : [],
  ])
  const gone = containers.filter(({ service, isOneOff }) => isOneOff || (options.services?.includes(service) ?? true))
  const steps: readonly PlanStep[] = [
    ...gone.map(({ name }): PlanStep => ({ action: 'remove', kind: 'container', name })),
    ...networks.map(({ Name }): PlanStep => ({ action: 'remove', kind: 'network', name: Name })),
    ...volumes.map(({ Name }): PlanStep => ({ action: 'remove', kind: 'volume', name: Name })),
  ]
  if (options.dryRun || steps.length === 0) return steps.length === 0 ? undefined : steps
  await removeInOrder(gone, { ...run, ...options })
  await mapParallel(networks, PARALLEL, ({ Id, Name }) => removeNetwork(Id, Name, run))
  await mapParallel(volumes, PARALLEL, async ({ Name }) => {
    await unlessMissing(engine.volumes.remove(Name, {}))
    run.tell(`Volume ${Name}`, 'Removed')
  })
  return steps
}

/** Stops and removes containers, those that need others first. */
export async function removeInOrder(
  containers: readonly Known[],
  options: Pick<Converging, 'engine' | 'tell' | 'stopping'> & { readonly volumes: boolean },
): Promise<void> {
  await inDependencyOrder(reversed(dependenciesOf(containers)), async service => {
    const own = containers.filter(each => each.service === service)
    await mapParallel(own, PARALLEL, each => unlessMissing(removeContainer(each, options)))
  })
}

async function removeNetwork(id: string, name: string, { engine, tell, warn }: Run): Promise<void> {
  try {
    await unlessMissing(engine.networks.remove(id))
    tell(`Network ${name}`, 'Removed')
  } catch (error) {
    // Somebody else's containers are on it, or orphans of the project.
    if (!(error instanceof ShoalError && (error.status === 403 || error.status === 409))) throw error
    warn(`Network ${name} is kept: Resource is still in use`)
  }
}
