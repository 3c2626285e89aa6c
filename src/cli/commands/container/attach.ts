import { parseDetachKeys } from '../../../core/detach-keys.ts'
import { failed, invalidInput } from '../../../core/errors.ts'
import type { ContainerInspect } from '../../../docker-api/index.ts'
import { type EngineCommand, pathOf, withEngine } from '../../engine/engine-api.ts'
import { forEach } from '../../engine/for-each.ts'
import { converse } from '../../terminal/converse.ts'
import { proxySignals } from '../../terminal/proxy-signals.ts'
import { beginWait } from './begin-wait.ts'
import { openAttached } from './open-attached.ts'

/** `shoal attach`: talks to a container that runs; the exit code is the container's. */
export const runAttach = withEngine(attach)

/** Talks to the container that the first argument names, and resolves with its exit code. */
export async function attach(command: EngineCommand): Promise<number> {
  const { args, options } = command
  const container = await inspect(command, args[0] ?? '')
  const { Running, Paused, Restarting } = container.State
  if (!Running) throw failed('NOT_RUNNING', 'You cannot attach to a stopped container, start it first')
  if (Paused) throw failed('PAUSED', 'You cannot attach to a paused container, unpause it first')
  if (Restarting) throw failed('RESTARTING', 'You cannot attach to a restarting container, wait until it is running')
  const waiting = await beginWait(command.api, container.Id, 'not-running')
  const { talk } = await startTalking(command, container, options.choice('stdin') !== false)
  if ((await talk()) === 'detached') throw failed('DETACHED', 'read escape sequence')
  return waiting.exit
}

/** `shoal start`: starts containers; with `-a` talks to the only one. */
export const runStart = withEngine(async command => {
  const { api, args, options } = command
  const start = async (id: string): Promise<void> => {
    await api.ask('POST', pathOf('containers', id, 'start'), { query: { detachKeys: options.text('detachKeys') } })
  }
  if (!options.flag('attach') && !options.flag('interactive')) {
    const conclude = (names: readonly string[]): string => `Error: failed to start containers: ${names.join(', ')}\n`
    return forEach(command, start, { inTurn: true, conclude })
  }
  if (args.length !== 1) {
    throw invalidInput('BAD_FLAG', 'you cannot start and attach multiple containers at once')
  }
  const container = await inspect(command, args[0] ?? '')
  if (container.State.Running) throw failed('RUNNING', `container ${args[0]} runs already: use attach`)
  const { talk, close } = await startTalking(command, container, options.flag('interactive'))
  const condition = container.HostConfig.AutoRemove === true ? 'removed' : 'next-exit'
  const waiting = await beginWait(api, container.Id, condition)
  try {
    await start(container.Id)
  } catch (error) {
    close()
    throw error
  }
  return (await talk()) === 'detached' ? 0 : waiting.exit
})

function inspect({ api }: EngineCommand, id: string): Promise<ContainerInspect> {
  return api.ask<ContainerInspect>('GET', pathOf('containers', id, 'json'))
}

interface Talk {
  /** Talks until the end. */
  readonly talk: () => Promise<'ended' | 'detached'>
  readonly close: () => void
}

/** Opens the streams of a container. */
async function startTalking(
  { api, options, context }: EngineCommand,
  { Id, Config }: ContainerInspect,
  wantsInput: boolean,
): Promise<Talk> {
  const tty = Config.Tty === true
  const stdin = wantsInput && Config.OpenStdin === true
  if (tty && stdin && context.stdin.isTTY !== true) throw failed('NO_TTY', 'the input device is not a TTY')
  const detachKeys = parseDetachKeys(options.text('detachKeys'))
  const stream = await openAttached(api, Id, {
    stdin,
    stdout: true,
    stderr: true,
    detachKeys: options.text('detachKeys'),
  })
  const resize = async (size: { height: number; width: number }): Promise<void> => {
    await api.ask('POST', pathOf('containers', Id, 'resize'), { query: { h: size.height, w: size.width } })
  }
  const talk = async (): Promise<'ended' | 'detached'> => {
    const stopProxy = !tty && options.choice('sigProxy') !== false ? proxySignals(api, Id, context) : () => {}
    try {
      return await converse({ stream, tty, stdin, detachKeys, resize }, context)
    } finally {
      stopProxy()
    }
  }
  return { talk, close: () => void stream.destroy() }
}
