import { sleep } from '../../../../core/clock.ts'
import { failed } from '../../../../core/errors.ts'
import type { ProjectView, TaskView } from '../../../../core/model/control-api.ts'
import { isTerminal } from '../../../../core/model/task.ts'
import { stopServices } from '../one-engine/change-state.ts'
import { withScales } from '../spec/load-spec.ts'
import { killLate } from '../watch/kill-late.ts'
import { placesOf } from '../watch/wait-stopped.ts'
import type { Settling } from './wanted-project.ts'

const POLL_MS = 250
/** How long a container that has ended is kept for what it wrote to be shown. */
const SHOW_MS_MAX = 10_000
/** A host that is away may never say that what it ran has ended. */
const END_MS_MAX = 300_000

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
  const { project, invocation, context, progress, here } = settling
  // A task that cannot start at all ends the wait; one that ends before all have started is no failure here.
  const failure = waiting.then(
    () => new Promise<never>(() => {}),
    (error: unknown) => {
      throw error
    },
  )
  // What has ended on one engine before it was started is no exit.
  const ended = here === undefined ? firstExit(settling, aborts) : waiting.then(() => firstExit(settling, aborts))
  ended.catch(() => {})
  // Where all have ended nobody shows anything any more, perhaps before the end of one was noticed here.
  const cut = following.then(() => (context.signal.aborted ? undefined : exitOf(settling, aborts)))
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
  if (here === undefined) for (const name of names) progress.tell(`Service ${name}`, 'Stopped')
  const source = from === undefined || from === first.service ? first : last.get(from)
  return source?.exitCode ?? 0
}

async function stopAll({ project, here }: Settling, names: readonly string[]): Promise<void> {
  const { api, spec } = project
  if (here !== undefined) return stopServices(spec.name, names, here.run)
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

/** The same, as it is now. */
async function exitOf(settling: Settling, aborts: 'any' | 'failed'): Promise<TaskView | undefined> {
  const { api, spec } = settling.project
  return exitedTask(await api.project(spec.name), settling, aborts)
}

async function firstExit(settling: Settling, aborts: 'any' | 'failed'): Promise<TaskView> {
  const { context } = settling
  for (;;) {
    const task = await exitOf(settling, aborts)
    if (task !== undefined) return task
    await sleep(context.clock, POLL_MS, context.signal)
  }
}

/** A container that failed at once is an exit too, and no reason to say that the project could not be started. */
async function endedMeanwhile(settling: Settling, aborts: 'any' | 'failed', error: unknown): Promise<TaskView> {
  const task = await exitOf(settling, aborts)
  if (task === undefined) throw error
  return task
}

/** Waits until nothing of these services runs, and resolves with what became of each one's first replica. */
async function waitUntilEnded(
  { project, context, invocation, here }: Settling,
  names: readonly string[],
): Promise<ReadonlyMap<string, TaskView>> {
  const { clock, signal } = context
  const look = killLate({ api: project.api, clock, seconds: invocation.options.number('timeout') })
  // On one engine nothing starts by itself: what was made and not started is not waited for.
  const isOver = ({ state }: TaskView): boolean => (here === undefined ? isTerminal(state) : state !== 'running')
  const deadline = clock.monotonicMs() + END_MS_MAX
  for (;;) {
    const view = look(await project.api.project(project.spec.name))
    const tasks = (view?.tasks ?? []).filter(task => names.includes(task.service))
    if (tasks.every(isOver)) {
      const inOrder = tasks.toSorted((a, b) => a.createdAtMs - b.createdAtMs || b.slot - a.slot)
      return new Map(inOrder.map(task => [task.service, task]))
    }
    if (clock.monotonicMs() >= deadline) {
      const left = tasks.filter(task => !isOver(task))
      throw failed('STOP_TIMEOUT', `Not stopped after ${END_MS_MAX / 1_000} s: ${placesOf(left)}`)
    }
    await sleep(clock, POLL_MS, signal)
  }
}
