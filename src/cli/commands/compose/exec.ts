import { parseDetachKeys } from '../../../core/detach-keys.ts'
import { failed, notFound } from '../../../core/errors.ts'
import type { TaskView } from '../../../core/model/control-api.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { converse } from '../../terminal/converse.ts'
import { requireProject } from './change-replicas.ts'
import { currentTasks, managerApi } from './manager-api.ts'
import { requireService } from './spec/load-spec.ts'
import { projectName } from './spec/project-name.ts'

/** `compose exec SERVICE COMMAND…`: runs a command in a running replica; the exit code is the command's. */
export async function runExec(invocation: Invocation, context: CommandContext): Promise<number> {
  const { args, options, globals } = invocation
  const [service = '', ...command] = args
  const api = managerApi(invocation, context)
  const view = await requireProject(api, await projectName(globals, context))
  requireService(view.spec, service)
  const task = pickReplica(currentTasks(view), service, options.number('index'))
  const isTerminal = context.stdin.isTTY === true && context.stdout.isTTY === true
  const wantsNone = [options.choice('tty'), options.choice('TTY')].includes(false)
  const tty = isTerminal && !wantsNone && !options.flag('detach')
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
  const detachKeys = parseDetachKeys(undefined)
  const resize = (size: { height: number; width: number }) => api.engine.exec.resize(Id, size)
  const how = await converse({ stream: attached.stream, tty, stdin: true, detachKeys, resize }, context)
  if (how === 'detached') throw failed('DETACHED', 'read escape sequence')
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
