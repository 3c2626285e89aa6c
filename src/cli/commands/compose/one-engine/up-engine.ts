import { asText, asTree, type Project } from '../../../../compose/index.ts'
import type { ApplyResult, PlanStep } from '../../../../core/model/control-api.ts'
import type { ProjectSpec } from '../../../../core/model/service.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import type { EngineService } from './container-request.ts'
import { type Converging, makeContainers, removeContainer, startContainers } from './converge.ts'
import { type Known, knownContainers, replicasOf } from './known-containers.ts'
import { planService, planSteps, type ServicePlan, type Wanted } from './plan-services.ts'
import { planResources, type ResourcePlan, unlessMissing } from './resources.ts'
import { contentHash } from './service-content.ts'
import type { Waiting } from './wait-dependency.ts'

export interface UpOptions {
  readonly dryRun: boolean
  /** Services whose containers are replaced even if nothing changed. */
  readonly recreate: readonly string[]
  /** Leave containers that are there as they are. */
  readonly keep: boolean
  readonly start: boolean
  readonly removeOrphans: boolean
  readonly renewVolumes: boolean
}

export interface EngineProject {
  readonly project: Project
  readonly spec: ProjectSpec
}

export interface UpResult extends ApplyResult {
  /** All containers of the services, now. */
  readonly containers: readonly Known[]
}

/** Brings one engine to what a project says, as `docker compose up` does; with `dryRun` only tells what that would be. */
export async function upOnEngine(
  wanted: EngineProject,
  options: UpOptions,
  run: Waiting & Pick<Converging, 'warn' | 'timeoutMs'>,
): Promise<UpResult> {
  const { project } = wanted
  const { engine } = run
  const [resources, containers] = await Promise.all([
    planResources(project, engine),
    knownContainers(engine, project.name),
  ])
  const services = servicesOf(wanted)
  const renewed = new Set(resources.flatMap(({ step }) => (step.action === 'update' ? [step.name] : [])))
  const plans = await Promise.all(
    [...services.values()].map(async service =>
      planService(await wish(service, { options, renewed, engine }), containers),
    ),
  )
  const orphans = orphansOf(containers, project)
  const steps = stepsOf({ resources, plans, orphans, options, project: project.name })
  const result = { project: project.name, steps, changed: steps.some(({ action }) => action !== 'keep') }
  const warnings = orphans.length === 0 || options.removeOrphans ? [] : [orphanWarning(orphans)]
  if (options.dryRun) return { ...result, warnings, containers: [] }
  for (const warning of warnings) run.warn(warning)
  const converging = { ...run, ...options, services, plans }
  await makeResources(resources, run)
  if (options.removeOrphans) await mapParallel(orphans, 8, orphan => removeContainer(orphan, converging))
  const made = await makeContainers(converging)
  if (options.start) await startContainers(made, converging)
  return { ...result, containers: [...made.values()].flat() }
}

function servicesOf({ project, spec }: EngineProject): ReadonlyMap<string, EngineService> {
  const models = asTree(project.model['services'])
  return new Map(
    spec.services.map(service => [service.name, { project, spec, service, model: asTree(models[service.name]) }]),
  )
}

async function wish(
  { project, service, model }: EngineService,
  {
    options,
    renewed,
    engine,
  }: { readonly options: UpOptions; readonly renewed: ReadonlySet<string>; readonly engine: Waiting['engine'] },
): Promise<Wanted> {
  const image = await unlessMissing(engine.images.inspect(service.container.image))
  return {
    name: service.name,
    replicas: service.replicas,
    hash: contentHash(project, model),
    imageId: image?.Id,
    containerName: asText(model['container_name']) || undefined,
    recreate: options.recreate.includes(service.name) || service.networks.some(({ network }) => renewed.has(network)),
    keep: options.keep,
  }
}

/** Containers of services that the files do not name any more. */
export function orphansOf(containers: readonly Known[], { serviceNames }: Project): readonly Known[] {
  return replicasOf(containers).filter(({ service }) => !serviceNames.includes(service))
}

function orphanWarning(orphans: readonly Known[]): string {
  const names = orphans.map(({ name }) => name).join(' ')
  return `Found orphan containers ([${names}]) for this project. If you removed or renamed this service in your compose file, you can run this command with the --remove-orphans flag to clean it up.`
}

function stepsOf({
  resources,
  plans,
  orphans,
  options,
  project,
}: {
  readonly resources: readonly ResourcePlan[]
  readonly plans: readonly ServicePlan[]
  readonly orphans: readonly Known[]
  readonly options: UpOptions
  readonly project: string
}): readonly PlanStep[] {
  const removed = options.removeOrphans ? orphans : []
  return [
    ...resources.map(({ step }) => step),
    ...removed.map(({ name }): PlanStep => ({ action: 'remove', kind: 'container', name })),
    ...planSteps(project, plans),
  ]
}

async function makeResources(resources: readonly ResourcePlan[], { tell }: Pick<Waiting, 'tell'>): Promise<void> {
  await mapParallel(resources, 4, async ({ step, make }) => {
    if (step.action === 'keep') return
    const what = `${step.kind === 'network' ? 'Network' : 'Volume'} ${step.name}`
    tell(what, 'Creating')
    await make()
    tell(what, 'Created')
  })
}
