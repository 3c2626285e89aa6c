import { sleep } from '../../../../core/clock.ts'
import { errorMessage, ShoalError } from '../../../../core/errors.ts'
import type { TaskView } from '../../../../core/model/control-api.ts'
import { isTerminal, type PrintedLine } from '../../../../core/model/task.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import { createPaint } from '../../../output/colour.ts'
import type { ManagerApi } from '../manager-api.ts'
import { keptLines, type LogRange, readLog } from './container-log.ts'
import { createLinePrinter, type LinePrinter } from './log-lines.ts'

export interface FollowOptions {
  readonly api: ManagerApi
  readonly context: CommandContext
  readonly invocation: Invocation
  readonly project: string
  /** None means all. */
  readonly services: readonly string[]
  /** Only replicas of this number. */
  readonly index?: number | undefined
  /** Last lines of each container to begin with; absent: all. */
  readonly tail?: number | undefined
  readonly sinceMs?: number | undefined
  /** Tasks that were there before: of all others everything is shown. Absent: those that the first look sees. */
  readonly before?: ReadonlySet<string>
  /** On one engine, while containers are started. */
  readonly starting?: Starting
  /** Once aborted, nothing new is waited for: what was written until then is shown, and that is all. */
  readonly ending?: AbortSignal
  /** Told of each task that has ended, when all that it wrote was shown. */
  readonly onShown?: (task: TaskView) => void
}

/** How one engine is brought to start containers. */
export interface Starting {
  /** Containers that were there before; of them, only what they write from now on is shown. */
  readonly existed: ReadonlySet<string>
  readonly sinceMs: number
  /** Whether all are started: nobody starts others, so that it is over when they have ended. */
  readonly isDone: () => boolean
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
  /** Tasks that had ended before, of which nothing is shown unless they run again. */
  const passed = new Set<string>()
  let known: ReadonlyMap<string, TaskView> = new Map()
  let isFirst = true
  const follow = (task: TaskView): void => {
    const isKnown = options.before === undefined ? isFirst : options.before.has(task.id)
    if (isTerminal(task.state)) {
      if (passed.has(task.id) || isUnstarted(task, options)) return
      if (isFirst && isKnown && options.tail === 0) {
        passed.add(task.id)
        options.onShown?.(task)
        return
      }
    }
    printer.name(task)
    const whole = !isKnown && !passed.has(task.id)
    const following = followTask(task, { options, printer, latest: () => known.get(task.id), whole })
    // Only Ctrl-C ends it early, and that ends the loop too.
    followed.set(
      task.id,
      following.catch(() => {}),
    )
  }
  while (!signal.aborted) {
    const isLast = options.ending?.aborted === true
    const view = await api.project(project)
    const tasks = (view?.tasks ?? []).filter(task => isWanted(task, options))
    // Only what is there now: who follows what has been removed learns from it that this is the end.
    known = new Map(tasks.map(task => [task.id, task]))
    for (const task of tasks) if (task.containerId !== undefined && !followed.has(task.id)) follow(task)
    isFirst = false
    if (view === undefined || isLast || isOver(tasks, options)) break
    await pause(options)
  }
  await Promise.all(followed.values())
}

/** Whether a task that has ended is from before, and may still be started. */
function isUnstarted({ id }: TaskView, { starting }: FollowOptions): boolean {
  return starting !== undefined && !starting.isDone() && starting.existed.has(id)
}

function isOver(tasks: readonly TaskView[], { starting }: FollowOptions): boolean {
  return starting?.isDone() === true && tasks.every(({ state }) => isTerminal(state))
}

function sinceOf({ id }: TaskView, { starting, sinceMs }: FollowOptions): number | undefined {
  return starting?.existed.has(id) === true ? starting.sinceMs : sinceMs
}

/** Until it is time to look again, or to look for the last time. */
async function pause({ ending, context: { clock, signal } }: FollowOptions): Promise<void> {
  if (ending === undefined) return sleep(clock, POLL_MS, signal)
  await sleep(clock, POLL_MS, AbortSignal.any([signal, ending])).catch(() => signal.throwIfAborted())
}

function isWanted({ service, slot }: TaskView, { services, index }: FollowOptions): boolean {
  return (services.length === 0 || services.includes(service)) && (index === undefined || slot === index)
}

interface Following {
  readonly options: FollowOptions
  readonly printer: LinePrinter
  readonly latest: () => TaskView | undefined
  /** A container that started after us is shown from its first line. */
  readonly whole: boolean
}

/** How a connection to a container's log ended. */
interface Printed {
  readonly last: PrintedLine | undefined
  /** There is no such container any more. */
  readonly isGone: boolean
}

/** One task: attaches again after each restart, from where it was, until the task has ended or is there no more. */
async function followTask(task: TaskView, following: Following): Promise<void> {
  const { options, printer, latest } = following
  const { clock, signal } = options.context
  let last: PrintedLine | undefined
  let seen = task
  for (;;) {
    const printed = await printUntilEnd(task, last, following)
    last = printed.last
    await sleep(clock, POLL_MS, signal)
    const now = latest()
    seen = now ?? seen
    const isGone = printed.isGone || now === undefined
    if (!isGone && !isTerminal(seen.state) && seen.desired === 'running') continue
    if (printed.isGone) for (const line of keptLines(seen, beginning(seen, last, following))) printer.print(task, line)
    const code = seen.exitCode === undefined ? '' : ` with code ${seen.exitCode}`
    if (isTerminal(seen.state)) printer.note(task, `exited${code}`)
    else if (isGone) printer.note(task, 'was removed')
    options.onShown?.(seen)
    return
  }
}

/** Where a log is to be shown from: behind the last line that was shown. */
function beginning(task: TaskView, last: PrintedLine | undefined, { options, whole }: Following): LogRange {
  if (last !== undefined) return { after: last.time }
  return { tail: whole ? undefined : options.tail, sinceMs: sinceOf(task, options) }
}

/** Prints what comes until the container stops. */
async function printUntilEnd(task: TaskView, before: PrintedLine | undefined, following: Following): Promise<Printed> {
  const { options, printer, latest } = following
  const { api, context } = options
  let last = before
  try {
    const lines = readLog(api.engine.transport, task.containerId ?? '', {
      ...beginning(task, before, following),
      follow: true,
      signal: context.signal,
    })
    for await (const line of lines) {
      printer.print(task, line)
      last = line
    }
  } catch (error) {
    if (context.signal.aborted) throw error
    if (error instanceof ShoalError && error.status === 404) return { last, isGone: true }
    if (!isTerminal((latest() ?? task).state)) {
      context.stderr.write(`Warning: the logs of ${task.name} are interrupted: ${errorMessage(error)}\n`)
    }
  }
  return { last, isGone: false }
}
