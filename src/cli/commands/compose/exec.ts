import { parseDetachKeys } from '../../../core/detach-keys.ts'
import { failed } from '../../../core/errors.ts'
import { execExitCode } from '../../../docker-api/index.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { converse } from '../../terminal/converse.ts'
import { managerApi } from './manager-api.ts'
import { containerOf, pickReplica, viewProject } from './project-tasks.ts'
import { wantsTerminal } from './wants-terminal.ts'

/** `compose exec SERVICE COMMAND…`: runs a command in a running replica; the exit code is the command's. */
export async function runExec(invocation: Invocation, context: CommandContext): Promise<number> {
  const { args, options } = invocation
  const [service = '', ...command] = args
  const api = managerApi(invocation, context)
  const view = await viewProject(invocation, context, api)
  const task = pickReplica(view, service, options.number('index'))
  if (options.flag('dryRun')) {
    context.stdout.write(`exec ${command.join(' ')} in container ${task.name}\n`)
    return 0
  }
  const tty = wantsTerminal(options, context)
  const detach = options.flag('detach')
  const stdin = options.choice('interactive') !== false
  const user = options.text('user')
  const workdir = options.text('workdir')
  const { Id } = await api.engine.exec.create(containerOf(task), {
    AttachStdin: !detach && stdin,
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
  const how = await converse({ stream: attached.stream, tty, stdin, detachKeys, resize }, context)
  if (how === 'detached') throw failed('DETACHED', 'read escape sequence')
  return execExitCode(() => api.engine.exec.inspect(Id), context)
}
