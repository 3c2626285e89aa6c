import { asText, asTree } from '../../../../compose/index.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import type { ContainerInspect, Engine } from '../../../../docker-api/index.ts'
import { containerPlan, type EngineService } from './container-request.ts'
import { inDependencyOrder } from './in-order.ts'
import { isUp, type Known, known, noneToShare, replicasOf } from './known-containers.ts'
import { composeLabels } from './labels-of.ts'
import { containerName, nameBeside, type Replacement, type ServicePlan } from './plan-services.ts'
import { writeFiles, writtenFiles } from './service-content.ts'
import { type Waiting, waitForDependencies } from './wait-dependency.ts'

const PARALLEL = 8

export interface Converging extends Waiting {
  readonly services: ReadonlyMap<string, EngineService>
  readonly plans: readonly ServicePlan[]
  /** All containers of the project that were there before, of other services too. */
  readonly known: readonly Known[]
  /** How long containers may take to stop; empty: what each says itself. */
  readonly stopping: { readonly timeoutMs?: number }
  /** New containers do not take over volumes without a name. */
  readonly renewVolumes: boolean
  readonly warn: (message: string) => void
}

/**
 * Has every service the containers that are wanted of it, not started yet. Resolves with all of them by service, and with those
 * of services that are not asked about: what is made may be linked to them, or share what they have.
 */
export async function makeContainers(run: Converging): Promise<ReadonlyMap<string, readonly Known[]>> {
  const made = new Map<string, readonly Known[]>(Map.groupBy(replicasOf(run.known), ({ service }) => service))
  for (const { wanted, keep } of run.plans) made.set(wanted.name, keep)
  const plans = new Map(run.plans.map(plan => [plan.wanted.name, plan]))
  await inDependencyOrder(needsOf(run), async service => {
    const plan = plans.get(service)
    if (plan === undefined) return
    await mapParallel(plan.remove, PARALLEL, old => removeContainer(old, run))
    const kept = await mapParallel(plan.keep, PARALLEL, each => rightName(each, plan, run))
    const replaced = await mapParallel(plan.replace, PARALLEL, each => replaceContainer(each, plan, { run, made }))
    const created = await mapParallel(plan.create, PARALLEL, async number => {
      const name = containerName(plan.wanted, number)
      run.tell(`Container ${name}`, 'Creating')
      const container = await createContainer({ plan, number, name }, { run, made })
      run.tell(`Container ${name}`, 'Created')
      return container
    })
    const all = [...kept, ...replaced, ...created]
    made.set(
      service,
      all.toSorted((a, b) => a.number - b.number),
    )
  })
  return made
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
  const name = containerName(plan.wanted, old.number)
  const container = await createContainer(
    { plan, number: old.number, name, as: nameBeside(old, name), old: inspected },
    making,
  )
  await engine.containers.stop(old.id, run.stopping)
  await engine.containers.remove(old.id, {})
  await engine.containers.rename(container.id, name)
  tell(what, 'Recreated')
  return { ...container, name }
}

/** Ends a replacement that was cut short: the new one is given the name of the one that is gone. */
async function rightName(
  container: Known,
  { wanted, rename }: ServicePlan,
  { engine, tell }: Converging,
): Promise<Known> {
  if (!rename.includes(container)) return container
  const name = containerName(wanted, container.number)
  await engine.containers.rename(container.id, name)
  tell(`Container ${name}`, 'Renamed')
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
  const platform = asText(service.model['platform'])
  const place = platform === '' ? {} : { platform }
  const { Id, Warnings } = await engine.containers.create(request, { name: as, ...place })
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
  if (first === undefined) throw noneToShare(service)
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
  container: Known,
  {
    engine,
    tell,
    stopping,
    volumes = false,
  }: Pick<Converging, 'engine' | 'tell' | 'stopping'> & { readonly volumes?: boolean },
): Promise<void> {
  const { id, name, summary } = container
  if (isUp(container)) {
    tell(`Container ${name}`, 'Stopping')
    await engine.containers.stop(id, stopping)
  }
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
  await inDependencyOrder(needsOf(run), async (name, failed) => {
    const containers = made.get(name) ?? []
    if (containers.length === 0) return
    const { service, model } = run.services.get(name) ?? {}
    const isToStart = containers.filter(container => !isUp(container))
    const signal = AbortSignal.any([run.signal, failed])
    if (isToStart.length > 0) {
      const madeOf = (needed: string): readonly Known[] => made.get(needed) ?? []
      await waitForDependencies(service, madeOf, { ...run, signal })
    }
    const dependencies = asTree(model?.['depends_on'])
    const restartsWith = Object.keys(dependencies).filter(key => asTree(dependencies[key])['restart'] === true)
    const goesAlong = restartsWith.some(key => renewed.has(key))
    await mapParallel(containers, PARALLEL, container => startOne(container, goesAlong, run))
  })
}

async function startOne(container: Known, goesAlong: boolean, { engine, tell, stopping }: Converging): Promise<void> {
  const what = `Container ${container.name}`
  if (!isUp(container)) {
    tell(what, 'Starting')
    await engine.containers.start(container.id)
    return tell(what, 'Started')
  }
  if (!goesAlong) return tell(what, 'Running')
  tell(what, 'Restarting')
  await engine.containers.restart(container.id, stopping)
  tell(what, 'Started')
}
