import { asText, asTree, type Project } from '../../../../compose/index.ts'
import type { ApplyResult, PlanStep } from '../../../../core/model/control-api.ts'
import type { ProjectSpec } from '../../../../core/model/service.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import type { EngineService } from './container-request.ts'
import { type Converging, makeContainers, removeContainer, startContainers } from './converge.ts'
import { sharedServices } from './host-config.ts'
import { type Known, knownContainers, replicasOf } from './known-containers.ts'
import { makeResources } from './make-resources.ts'
import { planServices, planSteps, type ServicePlan, type Wanted } from './plan-services.ts'
import { findResources, planResources, type ResourcePlan, requireUnused, unlessMissing } from './resources.ts'
import { contentHash } from './service-content.ts'
import type { Waiting } from './wait-dependency.ts'
import { hooksOfServices } from './with-hooks.ts'

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
  run: Waiting & Pick<Converging, 'warn' | 'stopping' | 'onHookLine'> & { readonly onMade?: () => void },
): Promise<UpResult> {
  const { project } = wanted
  const { engine } = run
  const [there, containers] = await Promise.all([findResources(project, engine), knownContainers(engine, project.name)])
  const resources = planResources(project, { there, keep: options.keep })
  const services = servicesOf(wanted)
  const made = resources.filter(({ step: { action, kind } }) => kind === 'network' && action !== 'keep')
  const networks = new Set(made.map(({ step }) => step.name))
  const wishes = await Promise.all([...services.values()].map(service => wish(service, { options, networks, engine })))
  const plans = planServices(wishes, containers)
  const orphans = orphansOf(containers, project)
  requireUnused(resources, leaving(plans, options.removeOrphans ? orphans : []))
  const steps = stepsOf({ resources, plans, orphans, options })
  const result = { project: project.name, steps, changed: steps.some(({ action }) => action !== 'keep') }
  const warnings = [
    ...(orphans.length === 0 || options.removeOrphans ? [] : [orphanWarning(orphans)]),
    ...resources.flatMap(({ warning }) => warning ?? []),
  ]
  if (options.dryRun) return { ...result, warnings, containers: [] }
  for (const warning of warnings) run.warn(warning)
  const hooks = hooksOfServices(wanted.spec.services)
  const converging = { ...run, ...options, services, plans, known: containers, hooks }
  await makeResources(resources, run)
  if (options.removeOrphans) await mapParallel(orphans, 8, orphan => removeContainer(orphan, converging))
  const all = await makeContainers(converging)
  run.onMade?.()
  if (options.start) await startContainers(all, converging)
  return { ...result, containers: [...services.keys()].flatMap(name => all.get(name) ?? []) }
}

/** Ids of the containers that will not be there any more. */
function leaving(plans: readonly ServicePlan[], orphans: readonly Known[]): ReadonlySet<string> {
  const replaced = plans.flatMap(({ replace }) => replace.map(({ old }) => old))
  const removed = plans.flatMap(({ remove }) => remove)
  return new Set([...replaced, ...removed, ...orphans].map(({ id }) => id))
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
    networks,
    engine,
  }: { readonly options: UpOptions; readonly networks: ReadonlySet<string>; readonly engine: Waiting['engine'] },
): Promise<Wanted> {
  const image = await unlessMissing(engine.images.inspect(service.container.image))
  return {
    project: project.name,
    name: service.name,
    replicas: service.replicas,
    hash: contentHash(project, model),
    imageId: image?.Id,
    containerName: asText(model['container_name']) || undefined,
    shares: sharedServices(model),
    recreate: options.recreate.includes(service.name),
    newNetworks: service.networks.flatMap(({ network }) => (networks.has(network) ? [network] : [])),
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
}: {
  readonly resources: readonly ResourcePlan[]
  readonly plans: readonly ServicePlan[]
  readonly orphans: readonly Known[]
  readonly options: UpOptions
}): readonly PlanStep[] {
  const removed = options.removeOrphans ? orphans : []
  return [
    ...resources.map(({ step }) => step),
    ...removed.map(({ name }): PlanStep => ({ action: 'remove', kind: 'container', name })),
    ...planSteps(plans),
  ]
}
