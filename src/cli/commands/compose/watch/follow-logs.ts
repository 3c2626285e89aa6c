import { sleep } from '../../../../core/clock.ts'
import { errorMessage } from '../../../../core/errors.ts'
import type { TaskView } from '../../../../core/model/control-api.ts'
import { isTerminal } from '../../../../core/model/task.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import { createPaint } from '../../../output/colour.ts'
import type { ManagerApi } from '../manager-api.ts'
import { type LogLine, readLog } from './container-log.ts'
import { createLinePrinter, type LinePrinter } from './log-lines.ts'

export interface FollowOptions {
  readonly api: ManagerApi
  readonly context: CommandContext
  readonly invocation: Invocation
  readonly project: string
  /** None means all. */
  readonly services: readonly string[]
  /** Last lines of each container to begin with; absent: all. */
  readonly tail?: number | undefined
  readonly sinceMs?: number | undefined
  /** Tasks that were there before: of all others everything is shown. Absent: those that the first look sees. */
  readonly before?: ReadonlySet<string>
  /** End when all containers have: nobody starts others. */
  readonly untilAllEnded?: boolean
  /** Once aborted, nothing new is waited for: what was written until then is shown, and that is all. */
  readonly ending?: AbortSignal
  /** Told of each task that has ended, when all that it wrote was shown. */
  readonly onShown?: (task: TaskView) => void
}

const POLL_MS = 1_000

/**
 * Prints what the replicas write, those that start later included, until the signal is aborted or the project is gone and
 * everything it wrote was shown.
 */
export async function followLogs(options: FollowOptions): Promise<void> {
  const { api, context, project } = options
  const { signal } = context
  const printer = createLinePrinter(context, {
    paint: createPaint(context.stdout, context, options.invocation),
    timestamps: options.invocation.options.flag('timestamps'),
    prefix: options.invocation.options.choice('logPrefix') !== false,
  })
  const followed = new Map<string, Promise<void>>()
  const known = new Map<string, TaskView>()
  let isFirst = true
  while (!signal.aborted) {
    const isLast = options.ending?.aborted === true
    const view = await api.project(project)
    const tasks = (view?.tasks ?? []).filter(task => isWanted(task, options.services))
    for (const task of tasks) {
      known.set(task.id, task)
      if (task.containerId === undefined || followed.has(task.id)) continue
      const isNew = options.before === undefined ? !isFirst : !options.before.has(task.id)
      if (!isNew && isFirst && isTerminal(task.state) && options.tail === 0) continue
      printer.name(task)
      const following = followTask(task, { options, printer, latest: () => known.get(task.id), whole: isNew })
      // Only Ctrl-C ends it early, and that ends the loop too.
      followed.set(
        task.id,
        following.catch(() => {}),
      )
    }
    isFirst = false
    if (view === undefined || isLast || isOver(tasks, options)) break
    await pause(options)
  }
  await Promise.all(followed.values())
}

function isOver(tasks: readonly TaskView[], { untilAllEnded = false }: FollowOptions): boolean {
  return untilAllEnded && tasks.every(({ state }) => isTerminal(state))
}

/** Until it is time to look again, or to look for the last time. */
async function pause({ ending, context: { clock, signal } }: FollowOptions): Promise<void> {
  if (ending === undefined) return sleep(clock, POLL_MS, signal)
  await sleep(clock, POLL_MS, AbortSignal.any([signal, ending])).catch(() => signal.throwIfAborted())
}

function isWanted(task: TaskView, services: readonly string[]): boolean {
  return services.length === 0 || services.includes(task.service)
}

interface Following {
  readonly options: FollowOptions
  readonly printer: LinePrinter
  readonly latest: () => TaskView | undefined
  /** A container that started after us is shown from its first line. */
  readonly whole: boolean
}

/** One task: attaches again after each restart, from where it was, until the task has ended. */
async function followTask(task: TaskView, following: Following): Promise<void> {
  const { options, printer, latest } = following
  const { clock, signal } = options.context
  let last: LogLine | undefined
  for (;;) {
    last = (await printUntilEnd(task, last, following)) ?? last
    await sleep(clock, POLL_MS, signal)
    const now = latest() ?? task
    if (!isTerminal(now.state) && now.desired === 'running') continue
    const code = now.exitCode === undefined ? '' : ` with code ${now.exitCode}`
    if (isTerminal(now.state)) printer.note(task, `exited${code}`)
    options.onShown?.(now)
    return
  }
}

/** Prints what comes until the container stops, and resolves with the last line. */
async function printUntilEnd(
  task: TaskView,
  last: LogLine | undefined,
  { options, printer, latest, whole }: Following,
): Promise<LogLine | undefined> {
  const { api, context } = options
  const isAgain = last !== undefined
  let newest = last
  try {
    const lines = readLog(api.engine.transport, task.containerId ?? '', {
      follow: true,
      tail: whole || isAgain ? undefined : options.tail,
      after: last?.time,
      sinceMs: isAgain ? undefined : options.sinceMs,
      signal: context.signal,
    })
    for await (const line of lines) {
      printer.print(task, line)
      newest = line
    }
  } catch (error) {
    if (context.signal.aborted) throw error
    if (!isTerminal((latest() ?? task).state)) {
      context.stderr.write(`Warning: the logs of ${task.name} are interrupted: ${errorMessage(error)}\n`)
    }
  }
  return newest
}
