import { asText, asTree } from '../../../../compose/index.ts'
import { errorMessage } from '../../../../core/errors.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import type { ContainerInspect, Engine } from '../../../../docker-api/index.ts'
import { containerPlan, type EngineService } from './container-request.ts'
import { inDependencyOrder } from './in-order.ts'
import { isUp, type Known, known, replicasOf } from './known-containers.ts'
import { composeLabels } from './labels-of.ts'
import { containerName, type Replacement, type ServicePlan } from './plan-services.ts'
import { writeFiles, writtenFiles } from './service-content.ts'
import { type Waiting, waitForContainers } from './wait-dependency.ts'

const PARALLEL = 8

export interface Converging extends Waiting {
  readonly services: ReadonlyMap<string, EngineService>
  readonly plans: readonly ServicePlan[]
  /** How long a container that is replaced or removed may take to stop; undefined: what it says itself. */
  readonly timeoutMs: number | undefined
  /** New containers do not take over volumes without a name. */
  readonly renewVolumes: boolean
  readonly warn: (message: string) => void
}

/** Has every service the containers that are wanted of it, not started yet. Resolves with all of them, by service. */
export async function makeContainers(run: Converging): Promise<ReadonlyMap<string, readonly Known[]>> {
  const made = new Map(run.plans.map(({ wanted, keep }) => [wanted.name, keep]))
  const plans = new Map(run.plans.map(plan => [plan.wanted.name, plan]))
  await inDependencyOrder(needsOf(run), async service => {
    const plan = plans.get(service)
    if (plan === undefined) return
    await mapParallel(plan.remove, PARALLEL, old => removeContainer(old, run))
    const replaced = await mapParallel(plan.replace, PARALLEL, each => replaceContainer(each, plan, { run, made }))
    const created = await mapParallel(plan.create, PARALLEL, async number => {
      const name = containerName(nameOfProject(run, service), plan.wanted, number)
      run.tell(`Container ${name}`, 'Creating')
      const container = await createContainer({ plan, number, name }, { run, made })
      run.tell(`Container ${name}`, 'Created')
      return container
    })
    const all = [...plan.keep, ...replaced, ...created]
    made.set(
      service,
      all.toSorted((a, b) => a.number - b.number),
    )
  })
  return made
}

function nameOfProject({ services }: Converging, service: string): string {
  return services.get(service)?.project.name ?? ''
}

function needsOf({ services }: Pick<Converging, 'services'>): ReadonlyMap<string, readonly string[]> {
  return new Map([...services].map(([name, { service }]) => [name, service.dependsOn.map(each => each.service)]))
}

interface Making {
  readonly run: Converging
  readonly made: ReadonlyMap<string, readonly Known[]>
}

/** The new one is made beside the old one, so that an image or an option that cannot be leaves the old one running. */
async function replaceContainer({ old }: Replacement, plan: ServicePlan, making: Making): Promise<Known> {
  const { run } = making
  const { engine, tell } = run
  const what = `Container ${old.name}`
  tell(what, 'Recreate')
  const inspected = await engine.containers.inspect(old.id)
  const name = containerName(nameOfProject(run, plan.wanted.name), plan.wanted, old.number)
  const container = await createContainer(
    { plan, number: old.number, name, as: `${old.id.slice(0, 12)}_${name}`, old: inspected },
    making,
  )
  await engine.containers.stop(old.id, run.timeoutMs === undefined ? {} : { timeoutMs: run.timeoutMs })
  await engine.containers.remove(old.id, {})
  await engine.containers.rename(container.id, name)
  tell(what, 'Recreated')
  return { ...container, name }
}

interface NewContainer {
  readonly plan: ServicePlan
  readonly number: number
  readonly name: string
  /** What it is called until it takes the place of another. */
  readonly as?: string
  readonly old?: ContainerInspect
}

async function createContainer({ plan, number, name, as = name, old }: NewContainer, making: Making): Promise<Known> {
  const { run } = making
  const { engine, services } = run
  const service = services.get(plan.wanted.name)
  if (service === undefined) throw new RangeError('Plans are made of these services')
  const labels = composeLabels(service, { hash: plan.wanted.hash, number, imageId: plan.wanted.imageId })
  const { request, joins } = containerPlan(service, {
    name,
    labels,
    useAliases: true,
    containerOf: other => containerOf(other, making),
    namesOf: other => (making.made.get(other) ?? []).map(each => each.name),
    inherited: run.renewVolumes ? new Map() : anonymousVolumes(old),
  })
  const { Id, Warnings } = await engine.containers.create(request, { name: as })
  for (const warning of Warnings) run.warn(warning)
  try {
    for (const [network, endpoint] of joins) await engine.networks.connect(network, Id, endpoint)
    await writeFiles(engine, { id: Id, files: writtenFiles(service.project, service.model), signal: run.signal })
  } catch (error) {
    // Half a container would be taken for a whole one the next time.
    await engine.containers.remove(Id, { force: true }).catch(() => {})
    throw error
  }
  return freshContainer(engine, Id, as)
}

/** As the list shows it, which is what is kept of containers. */
async function freshContainer(engine: Engine, id: string, name: string): Promise<Known> {
  const [summary] = await engine.containers.list({ all: true, filters: { id: [id] } })
  if (summary === undefined) throw new RangeError(`Container ${name} was removed while it was made`)
  return known(summary)
}

function containerOf(service: string, { made }: Making): string {
  const [first] = made.get(service) ?? []
  if (first === undefined) throw new RangeError(`Service ${service} has no container to share`)
  return first.id
}

function anonymousVolumes(old: ContainerInspect | undefined): ReadonlyMap<string, string> {
  return new Map(
    (old?.Mounts ?? []).flatMap(({ Type, Name, Destination }) =>
      Type === 'volume' && Name !== undefined ? [[Destination, Name] as const] : [],
    ),
  )
}

/** Stops and removes a container. */
export async function removeContainer(
  { id, name, summary }: Known,
  {
    engine,
    tell,
    timeoutMs,
    volumes = false,
  }: Pick<Converging, 'engine' | 'tell' | 'timeoutMs'> & { readonly volumes?: boolean },
): Promise<void> {
  tell(`Container ${name}`, 'Stopping')
  await engine.containers.stop(id, timeoutMs === undefined ? {} : { timeoutMs })
  tell(`Container ${name}`, 'Removing')
  await engine.containers.remove(id, { force: true, volumes })
  // Those that were taken over from a predecessor have a name to the engine, and no other container.
  const nameless = volumes ? summary.Mounts.flatMap(({ Name = '' }) => (/^[0-9a-f]{64}$/.test(Name) ? [Name] : [])) : []
  await Promise.all(nameless.map(volume => engine.volumes.remove(volume, {}).catch(() => {})))
  tell(`Container ${name}`, 'Removed')
}

/** Starts what does not run, each service when what it depends on is as far as it wants it to be. */
export async function startContainers(made: ReadonlyMap<string, readonly Known[]>, run: Converging): Promise<void> {
  const renewed = new Set(run.plans.filter(({ replace }) => replace.length > 0).map(({ wanted }) => wanted.name))
  await inDependencyOrder(needsOf(run), async name => {
    const containers = made.get(name) ?? []
    if (containers.length === 0) return
    const { service, model } = run.services.get(name) ?? {}
    const isToStart = containers.filter(container => !isUp(container))
    if (isToStart.length > 0) await waitForDependencies(service, made, run)
    const dependencies = asTree(model?.['depends_on'])
    const restartsWith = Object.keys(dependencies).filter(key => asTree(dependencies[key])['restart'] === true)
    const goesAlong = restartsWith.some(key => renewed.has(key))
    await mapParallel(containers, PARALLEL, container => startOne(container, goesAlong, run))
  })
}

async function startOne(container: Known, goesAlong: boolean, { engine, tell, timeoutMs }: Converging): Promise<void> {
  const what = `Container ${container.name}`
  if (!isUp(container)) {
    tell(what, 'Starting')
    await engine.containers.start(container.id)
    return tell(what, 'Started')
  }
  if (!goesAlong) return tell(what, 'Running')
  tell(what, 'Restarting')
  await engine.containers.restart(container.id, timeoutMs === undefined ? {} : { timeoutMs })
  tell(what, 'Started')
}

async function waitForDependencies(
  service: EngineService['service'] | undefined,
  made: ReadonlyMap<string, readonly Known[]>,
  run: Converging,
): Promise<void> {
  await Promise.all(
    (service?.dependsOn ?? []).map(async ({ service: name, condition, required }) => {
      const containers = replicasOf(made.get(name) ?? [])
      try {
        await waitForContainers(containers, condition, run)
      } catch (error) {
        run.signal.throwIfAborted()
        if (required) throw error
        run.warn(`optional dependency "${asText(name)}" failed to start: ${errorMessage(error)}`)
      }
    }),
  )
}
