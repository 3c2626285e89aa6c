import type { Clock } from '../../../../core/clock.ts'
import { failed } from '../../../../core/errors.ts'
import type { ApplyResult, ProjectView } from '../../../../core/model/control-api.ts'
import { isTerminal } from '../../../../core/model/task.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import { createProgress, type Progress } from '../../../output/progress/progress.ts'
import { type ManagerApi, managerApi } from '../manager-api.ts'
import { planText, removal, removedNews, stepName } from '../plan-text.ts'
import { requireService } from '../spec/load-spec.ts'
import { projectName } from '../spec/project-name.ts'
import { killLate } from '../watch/kill-late.ts'
import { placesOf, waitStopped } from '../watch/wait-stopped.ts'
import { downHere } from './down-here.ts'
import { nameOf, oneOffs, removeOneOffs } from './one-offs.ts'
import { imagesOf, readRmi, removeImages } from './remove-images.ts'
import { type Removing, removeServices } from './remove-services.ts'

const WAIT_MS = 300_000

/** `compose down`: removes the project, and resolves when its containers and networks are gone. */
export async function runDown(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options, globals, args } = invocation
  const name = await projectName(globals, context)
  const api = managerApi(invocation, context)
  const progress = createProgress(globals, context)
  const rmi = readRmi(options.text('rmi'))
  const dryRun = options.flag('dryRun')
  if ((await api.runner()) === 'engine') return downHere({ ...invocation, name, api }, context)
  const view = await api.project(name)
  if (args.length > 0)
    return downServices({ api, context, progress, seconds: options.number('timeout'), dryRun }, args, view)
  const images = rmi === undefined || view === undefined ? [] : imagesOf(view.spec, rmi)
  const single = await oneOffs(name, api)
  if (!dryRun) await removeOneOffs(single, api, progress)
  const result = await api.remove(name, { volumes: options.flag('volumes'), dryRun })
  if (result === undefined && single.length === 0) {
    progress.warn(`No resource found to remove for project "${name}".`)
    return 0
  }
  if (dryRun) {
    const steps = [
      ...single.map(container => removal('container', nameOf(container))),
      ...(result?.steps ?? []),
      ...images.map(image => removal('image', image)),
    ]
    context.stdout.write(planText({ project: name, changed: true, steps }))
    return 0
  }
  if (result === undefined) return 0
  const timeoutMs = (options.number('waitTimeout') ?? WAIT_MS / 1_000) * 1_000
  const look = killLate({ api, clock: context.clock, seconds: options.number('timeout') })
  await waitUntilGone(name, { api, progress, clock: context.clock, signal: context.signal, timeoutMs, look })
  tellRemoved(result, progress)
  await removeImages(images, { api, progress })
  return 0
}

function tellRemoved({ steps, warnings = [] }: ApplyResult, progress: Progress): void {
  for (const step of steps) if (step.action === 'remove') progress.tell(stepName(step), removedNews(step))
  for (const warning of warnings) progress.warn(warning)
}

/** `down web`: the named services only; networks and volumes stay. */
async function downServices(
  removing: Removing,
  names: readonly string[],
  view: ProjectView | undefined,
): Promise<number> {
  if (view === undefined) removing.progress.warn('No resource found to remove.')
  else {
    for (const name of names) requireService(view.spec, name)
    await removeServices(view, names, removing)
  }
  return 0
}

interface GoneOptions {
  readonly look: ReturnType<typeof killLate>
  readonly api: ManagerApi
  readonly progress: Progress
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

async function waitUntilGone(name: string, { api, look, ...wait }: GoneOptions): Promise<void> {
  await waitStopped({
    ...wait,
    left: async () => {
      const view = look(await api.project(name))
      // Somebody may have brought it up again: then our part is done too.
      return view?.removing === true ? view.tasks.filter(task => !isTerminal(task.state)) : undefined
    },
    onTimeout: left => {
      const where = left.length === 0 ? 'networks or volumes are left' : placesOf(left)
      const late = `Not down after ${wait.timeoutMs / 1_000} s: ${where}`
      return failed('DOWN_TIMEOUT', `${late}. The manager goes on when the hosts answer`)
    },
  })
}
