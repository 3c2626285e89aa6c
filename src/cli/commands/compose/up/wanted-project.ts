import { errorMessage } from '../../../../core/errors.ts'
import type { ApplyResult, ProjectView } from '../../../../core/model/control-api.ts'
import type { ProjectSpec } from '../../../../core/model/service.ts'
import type { CommandContext, Invocation, Options } from '../../../command.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import { type ManagerApi, managerApi } from '../manager-api.ts'
import type { HookedRun } from '../one-engine/engine-run.ts'
import type { BuildRun } from '../spec/build-image.ts'
import { keepOthers, type LoadedSpec, loadSpec } from '../spec/load-spec.ts'
import { pinImages, pinnedImages } from '../spec/pin-images.ts'
import type { Starting } from '../watch/follow-logs.ts'

export interface WantedProject extends LoadedSpec {
  readonly api: ManagerApi
  /** The files' project with the services that are not asked about, and exactly the images that were built. */
  readonly wanted: ProjectSpec
  readonly running: ProjectView | undefined
}

export interface Settling {
  readonly invocation: Invocation
  readonly context: CommandContext
  readonly progress: Progress
  readonly result: ApplyResult
  readonly project: WantedProject
  /** On one engine: what to work on it with, and how the start goes. */
  readonly here?: Starting & { readonly run: HookedRun; readonly started: Promise<void> }
  /** Tasks that were there before. */
  readonly before: ReadonlySet<string>
}

/** What `up` makes of the files, and `plan` shows: images that are missing are built first, unless nothing may change. */
export async function wantedProject(
  invocation: Invocation,
  context: CommandContext,
  { progress, policy }: Pick<BuildRun, 'progress' | 'policy'>,
): Promise<WantedProject> {
  const { args, options } = invocation
  const api = managerApi(invocation, context)
  const { project, spec } = await loadSpec(invocation, context, { services: args, api })
  const running = await api.project(spec.name)
  const isOther = (name: string): boolean => args.length > 0 || name in project.disabledServices
  const { buildServices } = await import('../spec/build-services.ts')
  const built = await buildServices(project, {
    api,
    context,
    progress,
    policy,
    quiet: options.flag('quietBuild'),
    running: pinnedImages(running?.spec),
    services: spec.services.map(({ name }) => name),
  })
  // One engine knows an image by its name, and goes on from the containers that are there.
  if ((await api.runner()) === 'engine') return { api, project, spec, wanted: spec, running }
  const flagged = withFlags(pinImages(spec, built), running?.spec, options)
  return { api, project, spec, wanted: keepOthers(flagged, running?.spec, isOther), running }
}

/** What `up`'s flags make of the files, against what runs. Pure. */
function withFlags(spec: ProjectSpec, running: ProjectSpec | undefined, options: Options): ProjectSpec {
  const known = new Map(running?.services.map(service => [service.name, service]))
  const keep = options.choice('recreate') === false
  const once = abortsOnExit(options) !== undefined
  return {
    ...spec,
    services: spec.services.map(service => {
      const old = known.get(service.name)
      // As they are, but for their number.
      const kept = keep && old !== undefined ? { ...old, replicas: service.replicas } : service
      const replicas = options.choice('start') === false ? (old?.replicas ?? 0) : kept.replicas
      return { ...kept, replicas, ...(once ? { restart: { condition: 'none' } } : {}) }
    }),
  }
}

/** The end of which containers ends all; undefined: of none. */
export function abortsOnExit(options: Options): 'any' | 'failed' | undefined {
  if (options.flag('abortOnContainerFailure')) return 'failed'
  return options.flag('abortOnContainerExit') || options.text('exitCodeFrom') !== undefined ? 'any' : undefined
}

export function buildPolicy(options: Options): BuildRun['policy'] {
  if (options.flag('dryRun') || options.choice('build') === false) return 'never'
  return options.flag('build') ? 'always' : 'missing'
}

/** Services whose containers are replaced even if nothing changed: those that are asked about, and with a flag what they need. */
export function recreatedServices({ args, options }: Invocation, { spec }: LoadedSpec): readonly string[] {
  const names = spec.services.map(({ name }) => name)
  const isAsked = (name: string): boolean => args.length === 0 || args.includes(name)
  const [own, others] = [options.flag('forceRecreate'), options.flag('alwaysRecreateDeps')]
  return names.filter(name => (isAsked(name) ? own : others))
}

/** An image that was built is on one host only: a second one takes it, so that either may be lost. */
export async function keepCopies(
  wanted: ProjectSpec,
  { api, context, progress }: { api: ManagerApi; context: CommandContext; progress: Progress },
): Promise<void> {
  for (const id of new Set(pinnedImages(wanted).values())) {
    try {
      await api.keepCopies(id)
    } catch (error) {
      context.signal.throwIfAborted()
      progress.warn(`only one host has an image that was built, and it is lost with it: ${errorMessage(error)}`)
    }
  }
}
