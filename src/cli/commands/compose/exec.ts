import type { Duplex } from 'node:stream'
import { failed, notFound } from '../../../core/errors.ts'
import type { TaskView } from '../../../core/model/control-api.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { readOutput } from '../../manager/multiplexed.ts'
import { requireProject } from './change-replicas.ts'
import { requireService } from './load-spec.ts'
import { currentTasks, type ManagerApi, managerApi } from './manager-api.ts'
import { projectName } from './project-name.ts'

/** `compose exec SERVICE COMMAND…`: runs a command in a running replica; the exit code is the command's. */
export async function runExec(invocation: Invocation, context: CommandContext): Promise<number> {
  const { args, options, globals } = invocation
  const [service = '', ...command] = args
  const api = managerApi(invocation, context)
  const view = await requireProject(api, await projectName(globals, context))
  requireService(view.spec, service)
  const task = pickReplica(currentTasks(view), service, options.number('index'))
  const isTerminal = context.stdin.isTTY === true && context.stdout.isTTY === true
  const tty = isTerminal && options.choice('tty') !== false && !options.flag('noTty') && !options.flag('detach')
  const detach = options.flag('detach')
  const user = options.text('user')
  const workdir = options.text('workdir')
  const { Id } = await api.engine.exec.create(task.containerId ?? task.name, {
    AttachStdin: !detach,
    AttachStdout: !detach,
    AttachStderr: !detach,
    Tty: tty,
    Cmd: command,
    Env: options.list('env'),
    Privileged: options.flag('privileged'),
    ...(user === undefined ? {} : { User: user }),
    ...(workdir === undefined ? {} : { WorkingDir: workdir }),
  })
  const attached = await api.engine.exec.start(Id, { detach, tty })
  if (attached === undefined) return 0
  await converse(Id, { stream: attached.stream, api, context, tty })
  return (await api.engine.exec.inspect(Id)).ExitCode ?? 0
}

function pickReplica(tasks: readonly TaskView[], service: string, index: number | undefined): TaskView {
  const running = tasks
    .filter(task => task.service === service && task.state === 'running')
    .toSorted((a, b) => a.slot - b.slot)
  const task = index === undefined ? running[0] : running.find(candidate => candidate.slot === index)
  if (task !== undefined) return task
  const which = index === undefined ? '' : ` container #${index}`
  throw notFound('NOT_RUNNING', `service "${service}" is not running${which}; see \`compose ps -a\``)
}

interface Conversation {
  readonly stream: Duplex
  readonly api: ManagerApi
  readonly context: CommandContext
  readonly tty: boolean
}

/** Copies both ways until the command ends. */
async function converse(exec: string, { stream: socket, api, context, tty }: Conversation): Promise<void> {
  const { stdin, stdout, stderr, signal } = context
  const stop = (): void => void socket.destroy()
  signal.addEventListener('abort', stop, { once: true })
  const resize = (): void => {
    const size = { height: stdout.rows ?? 24, width: stdout.columns ?? 80 }
    // The command may have ended already; its size does not matter then.
    api.engine.exec.resize(exec, size).catch(() => {})
  }
  if (tty) {
    resize()
    stdout.on('resize', resize)
    stdin.setRawMode?.(true)
  }
  stdin.pipe(socket)
  try {
    if (tty) await copyRaw(socket, context)
    else {
      for await (const { stream, data } of readOutput(socket, '')) {
        ;(stream === 'stderr' ? stderr : stdout).write(data)
      }
    }
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    throw failed('EXEC_INTERRUPTED', 'The connection to the container was lost', { cause })
  } finally {
    signal.removeEventListener('abort', stop)
    stdin.unpipe(socket)
    stdin.pause()
    if (tty) {
      stdin.setRawMode?.(false)
      stdout.off('resize', resize)
    }
    socket.destroy()
  }
}

async function copyRaw(socket: Duplex, { stdout }: CommandContext): Promise<void> {
  for await (const chunk of socket as AsyncIterable<Buffer>) stdout.write(chunk)
}
