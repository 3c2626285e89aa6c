import { errorMessage, invalidInput } from '../../../core/errors.ts'
import type { ApplyResult, ProjectView } from '../../../core/model/control-api.ts'
import type { ProjectSpec } from '../../../core/model/service.ts'
import type { CommandContext, Invocation, Options } from '../../command.ts'
import { createProgress, type Progress } from '../../output/progress.ts'
import { type ManagerApi, managerApi } from './manager-api.ts'
import { planText, tellSteps } from './plan-text.ts'
import type { BuildRun } from './spec/build-services.ts'
import { keepOthers, loadSpec } from './spec/load-spec.ts'
import { pinImages, pinnedImages } from './spec/pin-images.ts'
import { followLogs } from './watch/follow-logs.ts'
import { replacedServices } from './watch/rollout.ts'
import { waitForRollout } from './watch/wait-rollout.ts'

const WAIT_MS = 600_000

/** `compose up`: makes the files the wanted state of the project, and follows until it is so. */
export async function runUp(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options, globals } = invocation
  refuseConflicts(options)
  const progress = createProgress(globals, context)
  const { spec, wanted, running, api } = await wantedProject(invocation, context, {
    progress,
    policy: buildPolicy(options),
  })
  const flags = { forceRecreate: options.flag('forceRecreate'), removeOrphans: options.flag('removeOrphans') }
  if (options.flag('dryRun')) {
    context.stdout.write(planText(await api.apply(wanted, { ...flags, dryRun: true })))
    return 0
  }
  const before = new Set((running?.tasks ?? []).map(task => task.id))
  await keepCopies(wanted, { api, context, progress })
  const result = await api.apply(wanted, flags)
  tellSteps(result, progress)
  const services = spec.services.map(service => service.name)
  return await settle({ invocation, context, api, progress, result, spec, services, before })
}

interface WantedProject {
  readonly api: ManagerApi
  /** What the files say. */
  readonly spec: ProjectSpec
  /** The same with the services that are not asked about, and exactly the images that were built. */
  readonly wanted: ProjectSpec
  readonly running: ProjectView | undefined
}

/** What `up` makes of the files, and `plan` shows: images that are missing are built first, unless nothing may change. */
async function wantedProject(
  invocation: Invocation,
  context: CommandContext,
  { progress, policy }: Pick<BuildRun, 'progress' | 'policy'>,
): Promise<WantedProject> {
  const { args } = invocation
  const { project, spec } = await loadSpec(invocation, context, args)
  const api = managerApi(invocation, context)
  const running = await api.project(spec.name)
  const isOther = (name: string): boolean => args.length > 0 || name in project.disabledServices
  const { buildServices } = await import('./spec/build-services.ts')
  const built = await buildServices(project, {
    api,
    context,
    progress,
    policy,
    running: pinnedImages(running?.spec),
    services: spec.services.map(({ name }) => name),
  })
  return { api, spec, wanted: keepOthers(pinImages(spec, built), running?.spec, isOther), running }
}

function buildPolicy(options: Options): BuildRun['policy'] {
  if (options.flag('dryRun') || options.choice('build') === false) return 'never'
  return options.flag('build') ? 'always' : 'missing'
}

/** An image that was built is on one host only: a second one takes it, so that either may be lost. */
async function keepCopies(
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

interface Settling {
  readonly invocation: Invocation
  readonly context: CommandContext
  readonly api: ManagerApi
  readonly progress: Progress
  readonly result: ApplyResult
  readonly spec: ProjectSpec
  readonly services: readonly string[]
  readonly before: ReadonlySet<string>
}

/** Waits for the services, and without `-d` shows what they print until Ctrl-C. */
async function settle(settling: Settling): Promise<number> {
  const { invocation, context, api, progress, result, spec, services, before } = settling
  const { options } = invocation
  const isDetached = options.flag('detach') || options.flag('wait')
  const following = isDetached
    ? undefined
    : followLogs({ api, context, invocation, project: spec.name, services, tail: 0 })
  const waiting = waitForRollout({
    watched: {
      goal: options.flag('wait') ? 'healthy' : 'started',
      services,
      before,
      replaced: replacedServices(result.steps),
    },
    progress,
    clock: context.clock,
    signal: context.signal,
    timeoutMs: (options.number('waitTimeout') ?? WAIT_MS / 1_000) * 1_000,
    view: () => api.project(spec.name),
  })
  if (following === undefined) {
    await waiting
    return 0
  }
  // Attached, a failure is told, and what runs is still shown.
  waiting.catch((error: unknown) => {
    if (!context.signal.aborted) progress.warn(error instanceof Error ? error.message : String(error))
  })
  try {
    await following
  } finally {
    if (context.signal.aborted) {
      context.stderr.write(`The services of ${spec.name} keep running. Stop them with \`compose down\`\n`)
    }
  }
  return 0
}

function refuseConflicts(options: Options): void {
  if (options.flag('forceRecreate') && options.choice('recreate') === false) {
    throw invalidInput('BAD_FLAG', '--force-recreate and --no-recreate are incompatible')
  }
}

/** `compose plan`: what `up` would do, as far as it can be told without building. */
export async function runPlan(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options, globals } = invocation
  const { api, wanted } = await wantedProject(invocation, context, {
    progress: createProgress(globals, context),
    policy: 'never',
  })
  const result = await api.apply(wanted, {
    dryRun: true,
    forceRecreate: options.flag('forceRecreate'),
    removeOrphans: options.flag('removeOrphans'),
  })
  context.stdout.write(options.text('format') === 'json' ? `${JSON.stringify(result)}\n` : planText(result))
  for (const warning of result.warnings ?? []) context.stderr.write(`Warning: ${warning}\n`)
  return 0
}
