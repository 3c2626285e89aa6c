import { sleep } from '../../../../core/clock.ts'
import type { ProjectView, TaskView } from '../../../../core/model/control-api.ts'
import { isTerminal } from '../../../../core/model/task.ts'
import { containersOf, stopOnEngine } from '../one-engine/change-state.ts'
import { withScales } from '../spec/load-spec.ts'
import { killLate } from '../watch/kill-late.ts'
import type { Settling } from './wanted-project.ts'

const POLL_MS = 250
/** How long a container that has ended is kept for what it wrote to be shown. */
const SHOW_MS_MAX = 10_000

export interface ExitWait {
  /** Whether the end of any container ends all, or only a failure. */
  readonly aborts: 'any' | 'failed'
  readonly waiting: Promise<void>
  readonly following: Promise<void>
  /** All that a task which has ended wrote was shown, as far as it is to be. */
  readonly isShown: (task: TaskView) => boolean
}

/**
 * Waits until a container ends by itself, stops all services, and resolves with its exit code, or with that of the service that
 * is named by `--exit-code-from`.
 */
export async function waitForExit(
  settling: Settling,
  { aborts, waiting, following, isShown }: ExitWait,
): Promise<number> {
  const { project, invocation, context, progress } = settling
  // A task that cannot start at all ends the wait; one that ends before all have started is no failure here.
  const failure = waiting.then(
    () => new Promise<never>(() => {}),
    (error: unknown) => {
      throw error
    },
  )
  const ended = firstExit(settling, aborts)
  const cut = following.then(() => undefined)
  cut.catch(() => {})
  const first = await Promise.race([ended, failure.catch(error => endedMeanwhile(settling, aborts, error)), cut])
  if (first === undefined) return 0
  const until = context.clock.monotonicMs() + SHOW_MS_MAX
  while (!isShown(first) && context.clock.monotonicMs() < until) await sleep(context.clock, POLL_MS, context.signal)
  context.stderr.write('Aborting on container exit...\n')
  const names = project.spec.services.map(({ name }) => name)
  await stopAll(settling, names)
  const from = invocation.options.text('exitCodeFrom')
  const last = await waitUntilEnded(settling, names)
  for (const name of names) progress.tell(`Service ${name}`, 'Stopped')
  const source = from === undefined || from === first.service ? first : last.get(from)
  return source?.exitCode ?? 0
}

async function stopAll({ project, here }: Settling, names: readonly string[]): Promise<void> {
  const { api, spec } = project
  if (here !== undefined) return stopOnEngine(await containersOf(spec.name, names, here.run), here.run)
  const before = await api.project(spec.name)
  if (before !== undefined) await api.apply(withScales(before.spec, new Map(names.map(name => [name, 0]))), {})
}

/** The first of our tasks that ended without having been told to. */
function exitedTask(
  view: ProjectView | undefined,
  { before, project, result }: Settling,
  aborts: 'any' | 'failed',
): TaskView | undefined {
  const names = project.spec.services.map(({ name }) => name)
  const isOld = (task: TaskView): boolean =>
    before.has(task.id) && result.steps.some(step => step.name === task.service && step.action === 'update')
  const ended = (view?.tasks ?? []).filter(
    task =>
      names.includes(task.service) &&
      !isOld(task) &&
      (task.state === 'complete' || task.state === 'failed') &&
      task.exitCode !== undefined &&
      (aborts === 'any' || task.exitCode !== 0),
  )
  return ended.toSorted((a, b) => a.createdAtMs - b.createdAtMs)[0]
}

async function firstExit(settling: Settling, aborts: 'any' | 'failed'): Promise<TaskView> {
  const { project, context } = settling
  for (;;) {
    const task = exitedTask(await project.api.project(project.spec.name), settling, aborts)
    if (task !== undefined) return task
    await sleep(context.clock, POLL_MS, context.signal)
  }
}

/** A container that failed at once is an exit too, and no reason to say that the project could not be started. */
async function endedMeanwhile(settling: Settling, aborts: 'any' | 'failed', error: unknown): Promise<TaskView> {
  const task = exitedTask(await settling.project.api.project(settling.project.spec.name), settling, aborts)
  if (task === undefined) throw error
  return task
}

/** Waits until nothing of these services runs, and resolves with what became of each one's first replica. */
async function waitUntilEnded(
  { project, context, invocation }: Settling,
  names: readonly string[],
): Promise<ReadonlyMap<string, TaskView>> {
  const look = killLate({ api: project.api, clock: context.clock, seconds: invocation.options.number('timeout') })
  for (;;) {
    const view = look(await project.api.project(project.spec.name))
    const tasks = (view?.tasks ?? []).filter(task => names.includes(task.service))
    if (tasks.every(task => isTerminal(task.state))) {
      const inOrder = tasks.toSorted((a, b) => a.createdAtMs - b.createdAtMs || b.slot - a.slot)
      return new Map(inOrder.map(task => [task.service, task]))
    }
    await sleep(context.clock, POLL_MS, context.signal)
  }
}
