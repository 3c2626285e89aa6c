import { failed, invalidInput } from '../../../core/errors.ts'
import type { ContainerInspect } from '../../../docker-api/index.ts'
import { type EngineCommand, pathOf, withEngine } from '../../engine/engine-api.ts'
import { forEach } from '../../engine/for-each.ts'
import { converse } from '../../terminal/converse.ts'
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../../terminal/detach-keys.ts'
import { proxySignals } from '../../terminal/proxy-signals.ts'
import { openAttached } from './open-attached.ts'

/** `shoal attach`: talks to a container that runs; the exit code is the container's. */
export const runAttach = withEngine(async command => {
  const { args, options } = command
  const container = await inspect(command, args[0] ?? '')
  const { Running, Paused, Restarting } = container.State
  if (!Running) throw failed('NOT_RUNNING', 'You cannot attach to a stopped container, start it first')
  if (Paused) throw failed('PAUSED', 'You cannot attach to a paused container, unpause it first')
  if (Restarting) throw failed('RESTARTING', 'You cannot attach to a restarting container, wait until it is running')
  const over = exitOf(command, container.Id, 'not-running')
  over.catch(() => {})
  const talk = await startTalking(command, container, options.choice('stdin') !== false)
  if ((await talk()) === 'detached') throw failed('DETACHED', 'read escape sequence')
  return over
})

/** `shoal start`: starts containers; with `-a` talks to the only one. */
export const runStart = withEngine(async command => {
  const { api, args, options } = command
  const start = async (id: string): Promise<void> => {
    await api.ask('POST', pathOf('containers', id, 'start'), { query: { detachKeys: options.text('detachKeys') } })
  }
  if (!options.flag('attach') && !options.flag('interactive')) {
    return forEach(command, start, names => `Error: failed to start containers: ${names.join(', ')}\n`)
  }
  if (args.length !== 1) {
    throw invalidInput('BAD_FLAG', 'you cannot start and attach multiple containers at once')
  }
  const container = await inspect(command, args[0] ?? '')
  if (container.State.Running) throw failed('RUNNING', `container ${args[0]} runs already: use attach`)
  const talk = await startTalking(command, container, options.flag('interactive'))
  const over = exitOf(command, container.Id, container.HostConfig.AutoRemove === true ? 'removed' : 'next-exit')
  over.catch(() => {})
  await start(container.Id)
  return (await talk()) === 'detached' ? 0 : over
})

function inspect({ api }: EngineCommand, id: string): Promise<ContainerInspect> {
  return api.ask<ContainerInspect>('GET', pathOf('containers', id, 'json'))
}

/** Opens the streams; what is resolved with talks until the end. */
async function startTalking(
  { api, options, context }: EngineCommand,
  { Id, Config }: ContainerInspect,
  wantsInput: boolean,
): Promise<() => Promise<'ended' | 'detached'>> {
  const tty = Config.Tty === true
  const stdin = wantsInput && Config.OpenStdin === true
  if (tty && stdin && context.stdin.isTTY !== true) throw failed('NO_TTY', 'the input device is not a TTY')
  const detachKeys = parseDetachKeys(options.text('detachKeys') ?? DEFAULT_DETACH_KEYS)
  const stream = await openAttached(api, Id, {
    stdin,
    stdout: true,
    stderr: true,
    detachKeys: options.text('detachKeys'),
  })
  const resize = async (size: { height: number; width: number }): Promise<void> => {
    await api.ask('POST', pathOf('containers', Id, 'resize'), { query: { h: size.height, w: size.width } })
  }
  return async () => {
    const stopProxy = !tty && options.choice('sigProxy') !== false ? proxySignals(api, Id, context) : () => {}
    try {
      return await converse({ stream, tty, stdin, detachKeys, resize }, context)
    } finally {
      stopProxy()
    }
  }
}

async function exitOf({ api }: EngineCommand, id: string, condition: string): Promise<number> {
  const { StatusCode } = await api.ask<{ StatusCode: number }>('POST', pathOf('containers', id, 'wait'), {
    query: { condition },
    responseMs: Number.POSITIVE_INFINITY,
  })
  return StatusCode
}
