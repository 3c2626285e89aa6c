import type { Duplex } from 'node:stream'
import { parseDetachKeys } from '../../../core/detach-keys.ts'
import { errorCode, errorMessage, failed, invalidInput, ShoalError } from '../../../core/errors.ts'
import type { ContainerCreateRequest } from '../../../docker-api/index.ts'
import type { RunCommand } from '../../command.ts'
import { type EngineCommand, explained, pathOf, withEngine } from '../../engine/engine-api.ts'
import { converse } from '../../terminal/converse.ts'
import { proxySignals } from '../../terminal/proxy-signals.ts'
import { isBadArgument } from '../../usage.ts'
import { pullImage } from '../image/pull-image.ts'
import { beginWait } from './begin-wait.ts'
import { withCidFile } from './cid-file.ts'
import { createRequest } from './create/create-request.ts'
import { openAttached } from './open-attached.ts'

/** Docker's exit codes for what failed before the container's own program could. */
const FAILED = 125
const CANNOT_RUN = 126
const NOT_FOUND = 127

/** `shoal create`: prints the new container's id. */
export const runCreate: RunCommand = guarded(async command => {
  const id = await create(command, createRequest(command, command.context))
  command.context.stdout.write(`${id}\n`)
  return 0
})

/** `shoal run`: creates and starts a container and talks to it; the exit code is the container's. */
export const runRun: RunCommand = guarded(async command => {
  const { options, context } = command
  const request = createRequest(command, context)
  const detach = options.flag('detach')
  if (detach && options.list('attach').length > 0)
    throw invalidInput('BAD_FLAG', 'conflicting options: cannot specify both --attach and --detach')
  if (request.Tty === true && request.AttachStdin === true && context.stdin.isTTY !== true) {
    throw failed('NO_TTY', 'the input device is not a TTY')
  }
  const id = await create(command, request)
  if (!detach && attaches(request)) return talk(command, id, request)
  await start(command, id)
  // Not attached to anything is as good as detached.
  context.stdout.write(`${id}\n`)
  return 0
})

const attaches = (request: ContainerCreateRequest): boolean =>
  request.AttachStdin === true || request.AttachStdout === true || request.AttachStderr === true

/** Done beside a container that runs, until it is over or nobody waits for it any more. */
export type Beside = (signal: AbortSignal) => Promise<void>

/**
 * Starts a container, talks to it until it ends, and resolves with its exit code; 0 if the person detached. `beside` is done while it runs,
 * and fails the whole if nothing else has: else its failure is a warning. Who detaches gives it up. Throws StartFailed.
 */
export async function talk(
  command: EngineCommand,
  id: string,
  request: ContainerCreateRequest,
  beside: Beside = async () => {},
): Promise<number> {
  const { api, options, context } = command
  const tty = request.Tty === true
  const detachKeys = parseDetachKeys(options.text('detachKeys'))
  const stopProxy = !tty && options.choice('sigProxy') !== false ? proxySignals(api, id, context) : () => {}
  const stdin = request.AttachStdin === true
  const leaving = new AbortController()
  let stream: Duplex | undefined
  try {
    stream = await openAttached(api, id, {
      stdin,
      stdout: request.AttachStdout === true,
      stderr: request.AttachStderr === true,
      detachKeys: options.text('detachKeys'),
    })
    const waiting = await beginWait(api, id, request.HostConfig?.AutoRemove === true ? 'removed' : 'next-exit')
    await start(command, id)
    const besides = beside(AbortSignal.any([context.signal, leaving.signal]))
    besides.catch(() => {})
    const resize = async (size: { height: number; width: number }): Promise<void> => {
      await api.ask('POST', pathOf('containers', id, 'resize'), { query: { h: size.height, w: size.width } })
    }
    const how = await converse({ stream, tty, stdin, detachKeys, resize }, context)
    if (how === 'detached') leaving.abort(detachedEarly())
    const code = how === 'detached' ? 0 : await waiting.exit
    await besides.catch((error: unknown) => {
      context.signal.throwIfAborted()
      if (code === 0 && how !== 'detached') throw error
      context.stderr.write(`Warning: ${errorMessage(error)}\n`)
    })
    return code
  } finally {
    leaving.abort()
    stream?.destroy()
    stopProxy()
  }
}

function detachedEarly(): ShoalError {
  const what = 'what was to be done in the container after its start is not waited for'
  return failed('DETACHED', `${what}: a command that runs there goes on, no other is begun`)
}

export async function start({ api }: EngineCommand, id: string): Promise<void> {
  try {
    await api.ask('POST', pathOf('containers', id, 'start'))
  } catch (error) {
    throw new StartFailed(error)
  }
}

/** The container is there and could not be started; the cause is what the engine said. */
export class StartFailed extends Error {
  constructor(cause: unknown) {
    super(errorMessage(cause), { cause })
  }
}

function create(command: EngineCommand, request: ContainerCreateRequest): Promise<string> {
  return withCidFile(command.options.text('cidfile'), () => createWithImage(command, request))
}

/** What an engine says of an image that a pull may bring. */
const MISSING = /No such image|does not match the specified platform/i

/** Creates a container, and pulls its image first if it must. Reads the flags `name`, `pull`, `quiet` and `platform`. */
export async function createWithImage(command: EngineCommand, request: ContainerCreateRequest): Promise<string> {
  const { api, options, context } = command
  const [policy, image] = [options.text('pull') || 'missing', request.Image ?? '']
  if (!['always', 'missing', 'never'].includes(policy)) {
    throw invalidInput('BAD_FLAG', `invalid pull option: '${policy}': must be one of "always", "missing" or "never"`)
  }
  const pull = () => pullImage(command, image, { quiet: options.flag('quiet'), output: context.stderr })
  if (policy === 'always') await pull()
  const query = { name: options.text('name'), platform: options.text('platform') }
  const ask = () => api.ask<Created>('POST', '/containers/create', { query, body: request })
  const answer = await ask().catch(async (error: unknown) => {
    const isMissing = error instanceof ShoalError && error.status === 404 && MISSING.test(error.message)
    if (!isMissing || policy !== 'missing') throw error
    if (!options.flag('quiet')) context.stderr.write(`Unable to find image '${withTag(image)}' locally\n`)
    await pull()
    return ask()
  })
  for (const warning of answer.Warnings ?? []) context.stderr.write(`WARNING: ${warning}\n`)
  return answer.Id
}

interface Created {
  readonly Id: string
  readonly Warnings: readonly string[] | null
}

function withTag(image: string): string {
  return image.includes('@') || image.lastIndexOf(':') > image.lastIndexOf('/') ? image : `${image}:latest`
}

/** Tells failures as `docker run` does, with its exit codes. */
function guarded(work: (command: EngineCommand) => Promise<number>): RunCommand {
  return withEngine(async command => {
    try {
      return await work(command)
    } catch (error) {
      command.context.signal.throwIfAborted()
      if (errorCode(error) === 'NO_TTY' || isBadArgument(error)) throw error
      const cause = error instanceof StartFailed ? error.cause : error
      const text = errorMessage(explained(cause, ''))
      const [program = 'shoal'] = command.command.split(' ')
      command.context.stderr.write(`${program}: ${text}\n\nRun '${command.command} --help' for more information\n`)
      return error instanceof StartFailed ? startCode(text) : FAILED
    }
  })
}

function startCode(message: string): number {
  if (/executable file not found|no such file or directory|system cannot find/i.test(message)) return NOT_FOUND
  return /permission denied|is a directory/i.test(message) ? CANNOT_RUN : FAILED
}
