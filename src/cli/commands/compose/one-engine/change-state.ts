import { invalidInput, notFound } from '../../../../core/errors.ts'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import type { DependencyCondition } from '../../../../core/model/service.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import type { Converging } from './converge.ts'
import { inDependencyOrder, reversed } from './in-order.ts'
import { dependenciesOf, isUp, type Known, knownContainers, replicasOf } from './known-containers.ts'
import { waitForContainers } from './wait-dependency.ts'

const PARALLEL = 8

type Run = Pick<Converging, 'engine' | 'clock' | 'signal' | 'tell' | 'timeoutMs'>

/** The replicas of services (of all, if none is named). Throws for a service without any. */
export async function containersOf(
  project: string,
  services: readonly string[],
  { engine }: Pick<Run, 'engine'>,
): Promise<readonly Known[]> {
  const all = replicasOf(await knownContainers(engine, project))
  const missing = services.find(name => !all.some(({ service }) => service === name))
  if (missing !== undefined) throw invalidInput('NO_SUCH_SERVICE', `no such service: ${missing}`)
  return services.length === 0 ? all : all.filter(({ service }) => services.includes(service))
}

/** Stops containers, those that need others first. */
export async function stopOnEngine(containers: readonly Known[], run: Run): Promise<void> {
  const { engine, tell, timeoutMs } = run
  await inDependencyOrder(reversed(dependenciesOf(containers)), async service => {
    await mapParallel(
      containers.filter(each => each.service === service && isUp(each)),
      PARALLEL,
      async ({ id, name }) => {
        tell(`Container ${name}`, 'Stopping')
        await engine.containers.stop(id, timeoutMs === undefined ? {} : { timeoutMs })
        tell(`Container ${name}`, 'Stopped')
      },
    )
  })
}

/** Starts containers that were stopped, each when what it was made to need is there. Throws for a project without containers. */
export async function startOnEngine(containers: readonly Known[], project: string, run: Run): Promise<void> {
  const { engine, tell } = run
  if (containers.length === 0)
    throw notFound('NO_SUCH_PROJECT', `no container found for project "${project}": not found`)
  await inDependencyOrder(dependenciesOf(containers), async service => {
    const own = containers.filter(each => each.service === service && !isUp(each))
    const [first] = own
    if (first === undefined) return
    for (const [needed, condition] of conditionsOf(first)) {
      await waitForContainers(
        containers.filter(each => each.service === needed),
        condition,
        run,
      )
    }
    await mapParallel(own, PARALLEL, async ({ id, name }) => {
      tell(`Container ${name}`, 'Starting')
      await engine.containers.start(id)
      tell(`Container ${name}`, 'Started')
    })
  })
}

function conditionsOf({ summary }: Known): readonly (readonly [string, DependencyCondition])[] {
  const written = (summary.Labels[COMPOSE_LABELS.dependsOn] ?? '').split(',').filter(text => text !== '')
  return written.map(text => {
    const [service = '', condition = 'service_started'] = text.split(':')
    return [service, condition as DependencyCondition] as const
  })
}
