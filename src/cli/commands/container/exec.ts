import { parseDetachKeys } from '../../../core/detach-keys.ts'
import { failed } from '../../../core/errors.ts'
import { execExitCode } from '../../../docker-api/index.ts'
import { pathOf, withEngine } from '../../engine/engine-api.ts'
import { converse } from '../../terminal/converse.ts'
import { readVariables } from './create/read-lines.ts'

/** `shoal exec`: runs a command in a running container; the exit code is the command's. */
export const runExec = withEngine(async command => {
  const { api, args, options, context } = command
  const [container = '', ...Cmd] = args
  const [detach, tty, stdin] = [options.flag('detach'), options.flag('tty'), options.flag('interactive')]
  const { Id: full } = await api.ask<{ Id: string }>('GET', pathOf('containers', container, 'json'))
  if (tty && stdin && !detach && context.stdin.isTTY !== true) throw failed('NO_TTY', 'the input device is not a TTY')
  const keys = options.text('detachKeys')
  const { Id } = await api.ask<{ Id: string }>('POST', pathOf('containers', full, 'exec'), {
    body: {
      Cmd,
      Tty: tty,
      AttachStdin: stdin && !detach,
      AttachStdout: !detach,
      AttachStderr: !detach,
      Env: readVariables(options, context),
      ...(options.flag('privileged') ? { Privileged: true } : {}),
      ...(options.text('user') === undefined ? {} : { User: options.text('user') }),
      ...(options.text('workdir') === undefined ? {} : { WorkingDir: options.text('workdir') }),
      ...(keys === undefined ? {} : { DetachKeys: keys }),
    },
  })
  const path = pathOf('exec', Id, 'start')
  const body = { Detach: detach, Tty: tty }
  if (detach) return void (await api.ask('POST', path, { body }))
  const stream = await api.upgrade(path, { body })
  const resize = async (size: { height: number; width: number }): Promise<void> => {
    await api.ask('POST', pathOf('exec', Id, 'resize'), { query: { h: size.height, w: size.width } })
  }
  const detachKeys = parseDetachKeys(keys)
  const how = await converse({ stream, tty, stdin, detachKeys, resize }, context)
  if (how === 'detached') throw failed('DETACHED', 'read escape sequence')
  return execExitCode(() => api.ask('GET', pathOf('exec', Id, 'json')), context)
})
