import { invalidInput } from '../../../core/errors.ts'
import type { ApplyResult } from '../../../core/model/control-api.ts'
import type { ProjectSpec } from '../../../core/model/service.ts'
import type { CommandContext, Invocation, Options } from '../../command.ts'
import { createProgress, type Progress } from '../../output/progress.ts'
import { followLogs } from './follow-logs.ts'
import { keepOthers, loadSpec } from './load-spec.ts'
import { type ManagerApi, managerApi } from './manager-api.ts'
import { planText, tellSteps } from './plan-text.ts'
import { replacedServices } from './rollout.ts'
import { waitForRollout } from './wait-rollout.ts'

const WAIT_MS = 600_000

/** `compose up`: makes the files the wanted state of the project, and follows until it is so. */
export async function runUp(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options, globals, args } = invocation
  refuseConflicts(options)
  const progress = createProgress(globals, context)
  const { project, spec } = await loadSpec(invocation, context, args)
  const api = managerApi(invocation, context)
  const running = await api.project(spec.name)
  const isOther = (name: string): boolean => args.length > 0 || name in project.disabledServices
  const wanted = keepOthers(spec, running?.spec, isOther)
  const before = new Set((running?.tasks ?? []).map(task => task.id))
  const flags = { forceRecreate: options.flag('forceRecreate'), removeOrphans: options.flag('removeOrphans') }
  if (options.flag('dryRun')) {
    context.stdout.write(planText(await api.apply(wanted, { ...flags, dryRun: true })))
    return 0
  }
  if (options.choice('build') !== false) {
    const { buildServices } = await import('./build-services.ts')
    const policy = options.flag('build') ? 'always' : 'missing'
    await buildServices(project, { api, context, progress, policy, services: spec.services.map(({ name }) => name) })
  }
  const result = await api.apply(wanted, flags)
  tellSteps(result, progress)
  const services = spec.services.map(service => service.name)
  return await settle({ invocation, context, api, progress, result, spec, services, before })
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

/** `compose plan`: what `up` would do. */
export async function runPlan(invocation: Invocation, context: CommandContext): Promise<number> {
  const { args, options } = invocation
  const { project, spec } = await loadSpec(invocation, context, args)
  const api = managerApi(invocation, context)
  const running = await api.project(spec.name)
  const wanted = keepOthers(spec, running?.spec, name => args.length > 0 || name in project.disabledServices)
  const result = await api.apply(wanted, {
    dryRun: true,
    forceRecreate: options.flag('forceRecreate'),
    removeOrphans: options.flag('removeOrphans'),
  })
  context.stdout.write(options.text('format') === 'json' ? `${JSON.stringify(result)}\n` : planText(result))
  for (const warning of result.warnings ?? []) context.stderr.write(`Warning: ${warning}\n`)
  return 0
}
