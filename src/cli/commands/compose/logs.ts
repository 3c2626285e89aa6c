import { servicesOf } from '../../../compose/index.ts'
import { parseDuration } from '../../../core/duration.ts'
import { invalidInput, notFound, ShoalError } from '../../../core/errors.ts'
import type { ProjectView, TaskView } from '../../../core/model/control-api.ts'
import { isTerminal, type PrintedLine } from '../../../core/model/task.ts'
import type { Transport } from '../../../docker-api/index.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { createPaint } from '../../output/colour.ts'
import { managerApi } from './manager-api.ts'
import { filesInReach } from './spec/files-of-project.ts'
import { projectName } from './spec/project-name.ts'
import { compareTimes, keptLines, type ReadLogOptions, readLog } from './watch/container-log.ts'
import { followLogs } from './watch/follow-logs.ts'
import { createLinePrinter } from './watch/log-lines.ts'

/** `compose logs`: what the replicas wrote, over all hosts in the order of time; with `-f`, and write. */
export async function runLogs(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options, globals, args } = invocation
  const project = await projectName(globals, context)
  const api = managerApi(invocation, context)
  const view = await api.project(project)
  if (view === undefined) throw notFound('NO_SUCH_PROJECT', `No such project: ${project}. See \`compose ls\``)
  for (const service of args) {
    if (!view.spec.services.some(({ name }) => name === service)) {
      throw invalidInput('NO_SUCH_SERVICE', `no such service: ${service}`)
    }
  }
  const services = args.length > 0 ? args : await attachedServices(view, invocation, context)
  const tail = readTail(options.text('tail'))
  const sinceMs = readTime(options.text('since'), context)
  const untilMs = readTime(options.text('until'), context)
  const index = options.number('index')
  if (options.flag('follow') && (untilMs === undefined || untilMs > context.clock.nowMs())) {
    await until(untilMs, context, limited =>
      followLogs({ api, context: limited, invocation, project, services, index, tail, sinceMs }),
    )
    return 0
  }
  const tasks = view.tasks.filter(
    task =>
      task.containerId !== undefined &&
      (services.length === 0 || services.includes(task.service)) &&
      (index === undefined || task.slot === index),
  )
  const printer = createLinePrinter(context, {
    paint: createPaint(context.stdout, context, invocation),
    timestamps: options.flag('timestamps'),
    prefix: options.choice('logPrefix') !== false,
  })
  for (const task of tasks) printer.name(task)
  const reading = { follow: false, tail, sinceMs, untilMs, signal: context.signal }
  const read = (task: TaskView): AsyncGenerator<PrintedLine> => readOrRecall(task, api.engine.transport, reading)
  for await (const { task, line } of mergeByTime(tasks, read, context)) printer.print(task, line)
  return 0
}

/** Whose output is shown where nobody is named: without those that say `attach: false`, unless all do, as with docker compose; none: all. */
async function attachedServices(
  { spec }: ProjectView,
  { globals }: Invocation,
  context: CommandContext,
): Promise<readonly string[]> {
  const models = servicesOf((await filesInReach(globals, context))?.model ?? {})
  const names = spec.services.map(({ name }) => name)
  const shown = names.filter(name => models[name]?.['attach'] !== false)
  return shown.length === names.length ? [] : shown
}

/** Does what goes on until Ctrl-C at most until a time. */
async function until(
  untilMs: number | undefined,
  context: CommandContext,
  work: (limited: CommandContext) => Promise<void>,
): Promise<void> {
  if (untilMs === undefined) return work(context)
  const { clock, signal } = context
  const ending = new AbortController()
  const timer = clock.setTimer(untilMs - clock.nowMs(), () => ending.abort())
  try {
    await work({ ...context, signal: AbortSignal.any([signal, ending.signal]) })
  } catch (error) {
    signal.throwIfAborted()
    if (!ending.signal.aborted) throw error
  } finally {
    timer.cancel()
  }
}

/** A container that another one has taken the place of is removed, and of its log only the end is known, if it failed. */
async function* readOrRecall(
  task: TaskView,
  transport: Transport,
  options: ReadLogOptions,
): AsyncGenerator<PrintedLine> {
  try {
    yield* readLog(transport, task.containerId ?? '', options)
  } catch (error) {
    if (!isReplaced(task, error)) throw error
    yield* keptLines(task, options)
  }
}

function isReplaced({ desired, state }: TaskView, error: unknown): boolean {
  const isGone = error instanceof ShoalError && error.status === 404
  return isGone && (desired === 'stopped' || isTerminal(state) || state === 'orphaned')
}

/** Lines of all containers in the order of time. A container whose log cannot be read is told, and left out. */
async function* mergeByTime(
  tasks: readonly TaskView[],
  read: (task: TaskView) => AsyncGenerator<PrintedLine>,
  context: CommandContext,
): AsyncGenerator<{ readonly task: TaskView; readonly line: PrintedLine }> {
  const next = async (source: { task: TaskView; lines: AsyncGenerator<PrintedLine> }) => {
    try {
      const result = await source.lines.next()
      return result.done === true ? [] : [{ ...source, line: result.value }]
    } catch (error) {
      if (context.signal.aborted) throw error
      const reason = error instanceof Error ? error.message : String(error)
      context.stderr.write(`Warning: Cannot read the logs of ${source.task.name}: ${reason}\n`)
      return []
    }
  }
  let heads = (await Promise.all(tasks.map(task => next({ task, lines: read(task) })))).flat()
  while (heads.length > 0) {
    const first = heads.reduce((a, b) => (compareTimes(b.line.time, a.line.time) < 0 ? b : a))
    yield { task: first.task, line: first.line }
    heads = [...heads.filter(head => head !== first), ...(await next(first))]
  }
}

function readTail(text: string | undefined): number | undefined {
  if (text === undefined || text === 'all') return undefined
  const count = Number(text)
  if (!Number.isInteger(count) || count < 0) {
    throw invalidInput('BAD_FLAG', `Cannot read --tail "${text}": expected a number of lines, or all`)
  }
  return count
}

/** A time (`2026-01-02T15:04:05Z`, Unix seconds) or how long ago (`10m`). */
function readTime(text: string | undefined, { clock }: CommandContext): number | undefined {
  if (text === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000
  const date = Date.parse(text)
  return Number.isNaN(date) ? clock.nowMs() - parseDuration(text) : date
}
