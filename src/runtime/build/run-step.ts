import { closeSync, constants, fstatSync, unlinkSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { errorCode, failed } from '../../core/errors.ts'
import type { LayerRef } from '../images/index.ts'
import { type HeldDirectory, holdDirectory, holdInside, openInside } from '../linux/fd-path.ts'
import { type Build, hiddenImage, PROXY_ARGS, STEP_LABEL } from './build.ts'
import { commandOf } from './config-steps.ts'
import type { Instruction } from './instructions.ts'
import { keepChanges, type LayerWork } from './layer-step.ts'
import type { BuildState } from './state.ts'

/** Files the engine binds over: they are empty in the layer, and were not made by the command. */
const ENGINE_FILES = ['etc/hostname', 'etc/hosts', 'etc/resolv.conf', '.dockerenv']

/** RUN: a command in a container of the image so far; what it changed becomes a layer. */
export function runStep(build: Build, step: Instruction, state: BuildState): LayerWork {
  const command = commandOf(scriptOf(step), state)
  return {
    text: step.text,
    inputs: [command, state.args],
    make: async () => runContainer(build, { image: await hiddenImage(build, state), command, args: state.args }),
  }
}

/** The shell reads here-documents itself; only one that is the whole command is a script of its own. */
function scriptOf({ rest, heredocs }: Instruction): string {
  const [only] = heredocs
  if (only === undefined) return rest
  if (heredocs.length === 1 && /^<<-?['"]?\w+['"]?$/.test(rest.trim())) return only.content
  return `${rest}\n${heredocs.map(({ name, content }) => `${content}${name}\n`).join('')}`
}

async function runContainer(
  build: Build,
  { image, command, args }: { image: string; command: readonly string[]; args: Readonly<Record<string, string>> },
): Promise<LayerRef | undefined> {
  const { containers, options, report, signal } = build
  const proxies = Object.entries(options.buildArgs).filter(([name]) => PROXY_ARGS.includes(name))
  const Env = Object.entries({ ...Object.fromEntries(proxies), ...args }).map(([name, value]) => `${name}=${value}`)
  const request = { Image: image, Cmd: command, Env, Labels: { [STEP_LABEL]: 'step' } }
  const { Id: id } = await containers.create(request, {})
  const stop = (): void => void containers.kill(id, 'SIGKILL').catch(() => {})
  signal.addEventListener('abort', stop, { once: true })
  try {
    report({ stream: ` ---> Running in ${id.slice(0, 12)}\n` })
    const exited = containers.wait(id, { condition: 'next-exit' }, signal)
    exited.catch(() => {})
    await containers.start(id)
    await showOutput(build, id)
    const { StatusCode } = await exited
    signal.throwIfAborted()
    if (StatusCode !== 0) {
      const message = `The command '${command.join(' ')}' returned a non-zero code: ${StatusCode}`
      throw failed('RUN_FAILED', message, { details: { exitCode: StatusCode } })
    }
    removeEngineFiles(await build.store.roots.changes(id))
    return await keepChanges(build, id)
  } finally {
    signal.removeEventListener('abort', stop)
    await containers.remove(id, { force: true, volumes: true })
    report({ stream: `Removing intermediate container ${id.slice(0, 12)}\n` })
  }
}

async function showOutput({ containers, report, signal }: Build, id: string): Promise<void> {
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  for await (const { stream, data } of containers.logs(id, { stdout: true, stderr: true, follow: true }, signal)) {
    const text = decoders[stream].write(data)
    if (text !== '') report({ stream: text })
  }
}

function removeEngineFiles(upper: string): void {
  using root = holdDirectory(upper)
  for (const path of ENGINE_FILES) {
    try {
      if (isEmptyFile(root, path)) removeInside(root, path)
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errorCode(error) ?? '')) throw error
    }
  }
}

function isEmptyFile(root: HeldDirectory, path: string): boolean {
  const fd = openInside(root, path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(fd)
    return stats.isFile() && stats.size === 0
  } finally {
    closeSync(fd)
  }
}

function removeInside(root: HeldDirectory, path: string): void {
  const slash = path.lastIndexOf('/')
  using parent = holdInside(root, slash < 0 ? '' : path.slice(0, slash))
  unlinkSync(`${parent.path}/${path.slice(slash + 1)}`)
}
