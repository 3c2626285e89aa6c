import { servicesOf } from '../../../../compose/index.ts'
import { invalidInput } from '../../../../core/errors.ts'
import type { TaskView } from '../../../../core/model/control-api.ts'
import type { LoadedSpec } from '../spec/load-spec.ts'
import { followLogs } from '../watch/follow-logs.ts'
import { killLate } from '../watch/kill-late.ts'
import { replacedServices } from '../watch/rollout.ts'
import { waitForRollout } from '../watch/wait-rollout.ts'
import { waitForExit } from './wait-exit.ts'
import { abortsOnExit, type Settling } from './wanted-project.ts'

const WAIT_MS = 600_000

/** Waits for the services, and without `-d` shows what they print until Ctrl-C, or until one of them ends if that is asked for. */
export async function settle(settling: Settling): Promise<number> {
  const { invocation, context, progress, project, before, here } = settling
  const { options } = invocation
  const waiting = here?.started ?? follow(settling)
  if (options.flag('detach') || options.flag('wait')) {
    await waiting
    return 0
  }
  progress.end()
  const [ending, cut] = [new AbortController(), new AbortController()]
  const shown = new Set<string>()
  const services = attachedServices(settling)
  const following = followLogs({
    api: project.api,
    context: { ...context, signal: AbortSignal.any([context.signal, cut.signal]) },
    invocation,
    project: project.spec.name,
    services,
    tail: 0,
    before,
    ...(here === undefined ? {} : { starting: here }),
    ending: ending.signal,
    onShown: task => shown.add(task.id),
  })
  const aborts = abortsOnExit(options)
  try {
    if (aborts !== undefined) {
      const isShown = (task: TaskView): boolean => shown.has(task.id) || !services.includes(task.service)
      const code = await waitForExit(settling, { aborts, waiting, following, isShown })
      ending.abort()
      await following
      return code
    }
    if (here !== undefined) await Promise.race([following, waiting.then(() => following)])
    // Attached, a failure is told, and what runs is still shown.
    waiting.catch((error: unknown) => {
      if (!context.signal.aborted) progress.warn(error instanceof Error ? error.message : String(error))
    })
    await following
    return 0
  } finally {
    ending.abort()
    cut.abort()
    following.catch(() => {})
    if (context.signal.aborted && here === undefined) {
      context.stderr.write(`The services of ${project.spec.name} keep running. Stop them with \`compose down\`\n`)
    }
  }
}

function follow({ invocation, context, progress, result, project, before }: Settling): Promise<void> {
  const { options } = invocation
  const { api, spec } = project
  const seconds = options.number('timeout')
  const look = killLate({ api, clock: context.clock, seconds })
  return waitForRollout({
    watched: {
      goal: options.flag('wait') ? 'healthy' : 'started',
      services: spec.services.map(({ name }) => name),
      before,
      replaced: replacedServices(result.steps),
    },
    progress,
    clock: context.clock,
    signal: context.signal,
    timeoutMs: (options.number('waitTimeout') ?? WAIT_MS / 1_000) * 1_000,
    view: async () => look(await api.project(spec.name)),
  })
}

/** Whose output is shown: of the services that are asked about, but for those that say `attach: false`. Throws BAD_FLAG for none. */
export function attachedServices({
  invocation,
  project,
}: Pick<Settling, 'invocation'> & { readonly project: LoadedSpec }): readonly string[] {
  const { args, options } = invocation
  const services = servicesOf(project.project.model)
  const asked = options.list('attach')
  const named = asked.length > 0 ? asked : args.length === 0 || options.flag('attachDependencies') ? [] : args
  const names = (named.length > 0 ? named : project.spec.services.map(({ name }) => name)).filter(
    name => !options.list('noAttach').includes(name) && (asked.includes(name) || services[name]?.['attach'] !== false),
  )
  if (names.length === 0) throw invalidInput('BAD_FLAG', 'There is no service to attach to: use --detach')
  return names
}
