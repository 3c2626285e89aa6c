import { invalidInput, notFound } from '../../../../core/errors.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import type { Converging } from './converge.ts'
import { inDependencyOrder, reversed } from './in-order.ts'
import { dependenciesIn, dependenciesOf, isUp, type Known, knownContainers, replicasOf } from './known-containers.ts'
import { waitForContainers } from './wait-dependency.ts'

const PARALLEL = 8

type Run = Pick<Converging, 'engine' | 'clock' | 'signal' | 'tell' | 'stopping'>

/** The replicas of services (of all, if none is named). Throws for a service without any. */
export async function containersOf(
  project: string,
  services: readonly string[],
  run: Pick<Run, 'engine'>,
): Promise<readonly Known[]> {
  const own = await replicasOfAny(project, services, run)
  const missing = services.find(name => !own.some(({ service }) => service === name))
  if (missing !== undefined) throw invalidInput('NO_SUCH_SERVICE', `no such service: ${missing}`)
  return own
}

/** Stops the replicas of services, as far as there are any. */
export async function stopServices(project: string, services: readonly string[], run: Run): Promise<void> {
  await stopOnEngine(await replicasOfAny(project, services, run), run)
}

async function replicasOfAny(
  project: string,
  services: readonly string[],
  { engine }: Pick<Run, 'engine'>,
): Promise<readonly Known[]> {
  const all = replicasOf(await knownContainers(engine, project))
  return services.length === 0 ? all : all.filter(({ service }) => services.includes(service))
}

/** Stops containers, those that need others first. */
export async function stopOnEngine(containers: readonly Known[], run: Run): Promise<void> {
  const { engine, tell, stopping } = run
  await inDependencyOrder(reversed(dependenciesOf(containers)), async service => {
    await mapParallel(
      containers.filter(each => each.service === service && isUp(each)),
      PARALLEL,
      async ({ id, name }) => {
        tell(`Container ${name}`, 'Stopping')
        await engine.containers.stop(id, stopping)
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
  await inDependencyOrder(dependenciesOf(containers), async (service, failed) => {
    const own = containers.filter(each => each.service === service && !isUp(each))
    const [first] = own
    if (first === undefined) return
    for (const { service: needed, condition } of dependenciesIn(first)) {
      await waitForContainers(
        containers.filter(each => each.service === needed),
        condition,
        { ...run, signal: AbortSignal.any([run.signal, failed]) },
      )
    }
    await mapParallel(own, PARALLEL, async ({ id, name }) => {
      tell(`Container ${name}`, 'Starting')
      await engine.containers.start(id)
      tell(`Container ${name}`, 'Started')
    })
  })
}

/** Restarts containers, running or not, and with them what says that it restarts with what it needs. */
export async function restartOnEngine(
  containers: readonly Known[],
  { project, alone }: { readonly project: string; readonly alone: boolean },
  run: Run,
): Promise<void> {
  const { engine, tell, stopping } = run
  const all = alone ? containers : withDependants(containers, await containersOf(project, [], run))
  await inDependencyOrder(dependenciesOf(all), async service => {
    await mapParallel(
      all.filter(each => each.service === service),
      PARALLEL,
      async ({ id, name }) => {
        tell(`Container ${name}`, 'Restarting')
        await engine.containers.restart(id, stopping)
        tell(`Container ${name}`, 'Started')
      },
    )
  })
}

/** Pure. */
function withDependants(containers: readonly Known[], all: readonly Known[]): readonly Known[] {
  const services = new Set(containers.map(({ service }) => service))
  const follows = (each: Known): boolean =>
    dependenciesIn(each).some(({ service, restarts }) => restarts && services.has(service))
  for (;;) {
    const more = all.filter(each => !services.has(each.service) && follows(each))
    if (more.length === 0) return all.filter(({ service }) => services.has(service))
    for (const { service } of more) services.add(service)
  }
}
