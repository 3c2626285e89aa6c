import type { TaskView } from '../../../core/model/control-api.ts'
import { mapParallel } from '../../../core/parallel.ts'
import type { ContainerOperations } from '../../../docker-api/index.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { createProgress } from '../../output/progress/progress.ts'
import { changeHere } from './change-here.ts'
import { managerApi } from './manager-api.ts'
import { asEngineTells } from './one-engine/engine-run.ts'
import { containerOf, runningTasks, viewProject } from './project-tasks.ts'
import { checkSignal } from './signal-name.ts'
import { isInFiles } from './spec/files-of-project.ts'

const PARALLEL = 8

/** Does something to each running container of the named services (of all, if none is named). */
async function forEachContainer(
  invocation: Invocation,
  context: CommandContext,
  {
    news,
    act,
    isMeant = () => true,
  }: {
    readonly news: readonly [before: string, after: string]
    readonly act: (containers: ContainerOperations, id: string) => Promise<unknown>
    /** Which services are meant where none is named; absent: all. */
    readonly isMeant?: (service: string) => boolean
  },
): Promise<number> {
  const api = managerApi(invocation, context)
  const running = runningTasks(await viewProject(invocation, context, api), invocation.args)
  const tasks = invocation.args.length > 0 ? running : running.filter(({ service }) => isMeant(service))
  const progress = createProgress(invocation.globals, context)
  if (invocation.options.flag('dryRun')) {
    const [verb = ''] = invocation.command.split(' ').slice(-1)
    context.stdout.write(tasks.map(task => `${verb} container ${task.name}\n`).join(''))
    return 0
  }
  const actOn = async (task: TaskView): Promise<void> => {
    progress.tell(`Container ${task.name}`, news[0])
    await act(api.engine.containers, containerOf(task))
    progress.tell(`Container ${task.name}`, news[1])
  }
  await asEngineTells(api, () => mapParallel(tasks, PARALLEL, actOn))
  return 0
}

export async function runRestart(invocation: Invocation, context: CommandContext): Promise<number> {
  const manager = managerApi(invocation, context)
  if ((await manager.runner()) === 'engine') return changeHere('restart', { ...invocation, api: manager }, context)
  const seconds = invocation.options.number('timeout')
  return forEachContainer(invocation, context, {
    news: ['Restarting', 'Started'],
    act: (containers, id) => containers.restart(id, seconds === undefined ? {} : { timeoutMs: seconds * 1_000 }),
  })
}

export async function runKill(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options, globals } = invocation
  const signal = options.text('signal') ?? 'SIGKILL'
  checkSignal(signal)
  return forEachContainer(invocation, context, {
    ...(options.flag('removeOrphans') ? {} : { isMeant: await isInFiles(globals, context) }),
    news: ['Killing', 'Killed'],
    act: (containers, id) => containers.kill(id, signal),
  })
}

export async function runPause(invocation: Invocation, context: CommandContext): Promise<number> {
  return forEachContainer(invocation, context, {
    news: ['Pausing', 'Paused'],
    act: (containers, id) => containers.pause(id),
  })
}

export async function runUnpause(invocation: Invocation, context: CommandContext): Promise<number> {
  return forEachContainer(invocation, context, {
    news: ['Unpausing', 'Unpaused'],
    act: (containers, id) => containers.unpause(id),
  })
}
