import { type Clock, sleep } from '../../../core/clock.ts'
import { failed } from '../../../core/errors.ts'
import type { ProjectView } from '../../../core/model/control-api.ts'
import { isTerminal } from '../../../core/model/task.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { createProgress, type Progress } from '../../output/progress.ts'
import { type ManagerApi, managerApi } from './manager-api.ts'
import { planText, stepName } from './plan-text.ts'
import { projectName } from './spec/project-name.ts'

const POLL_MS = 250
const WAIT_MS = 300_000

/** `compose down`: removes the project, and resolves when its containers and networks are gone. */
export async function runDown(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options, globals } = invocation
  const name = await projectName(globals, context)
  const api = managerApi(invocation, context)
  const progress = createProgress(globals, context)
  if (options.text('timeout') !== undefined) {
    progress.warn('--timeout has no effect: each service stops within its own stop_grace_period')
  }
  const volumes = options.flag('volumes')
  const result = await api.remove(name, { volumes, dryRun: options.flag('dryRun') })
  if (result === undefined) {
    progress.warn(`No resource found to remove for project "${name}".`)
    return 0
  }
  if (options.flag('dryRun')) {
    context.stdout.write(planText(result))
    return 0
  }
  const timeoutMs = (options.number('waitTimeout') ?? WAIT_MS / 1_000) * 1_000
  await waitUntilGone(name, { api, progress, clock: context.clock, signal: context.signal, timeoutMs })
  for (const step of result.steps) if (step.action === 'remove') progress.tell(stepName(step), 'Removed')
  return 0
}

interface GoneOptions {
  readonly api: ManagerApi
  readonly progress: Progress
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

async function waitUntilGone(name: string, { api, progress, clock, signal, timeoutMs }: GoneOptions): Promise<void> {
  const deadline = clock.monotonicMs() + timeoutMs
  for (;;) {
    const view = await api.project(name)
    // Somebody may have brought it up again: then our part is done too.
    if (view === undefined || !view.removing) return
    const left = remaining(view)
    for (const task of left) progress.tell(`Container ${task.name}`, 'Stopping')
    if (clock.monotonicMs() >= deadline) {
      const where = left.map(task => `${task.name} on ${task.node ?? 'no node'}`).join(', ')
      throw failed(
        'DOWN_TIMEOUT',
        `Not down after ${timeoutMs / 1_000} s: ${where === '' ? 'networks or volumes are left' : where}. The manager goes on when the hosts answer`,
      )
    }
    await sleep(clock, POLL_MS, signal)
  }
}

function remaining(view: ProjectView): ProjectView['tasks'] {
  return view.tasks.filter(task => !isTerminal(task.state))
}
