import { StringDecoder } from 'node:string_decoder'
import { failed, invalidInput, unsupported } from '../../../core/errors.ts'
import type { LayerRef } from '../../images/index.ts'
import { hiddenImage } from '../base-image.ts'
import { type Build, inRed, STEP_LABEL, type StageScope } from '../build.ts'
import { cachedStep } from '../cache/cached-step.ts'
import { commandText } from '../created-by.ts'
import { flagText } from '../dockerfile/flags.ts'
import type { InstructionOf } from '../dockerfile/instructions.ts'
import type { BuildState } from '../state.ts'
import { runVariables } from './build-args.ts'
import { commandOf, wordRules } from './config-steps.ts'
import { keepChanges } from './layer-work.ts'
import { type RunMount, readMount } from './mount-flags.ts'
import { digestBound, findBound, type OpenMounts, openMounts } from './run-mounts.ts'
import { Stubs } from './stubs.ts'

type RunInstruction = InstructionOf<'RUN'>

interface Running {
  readonly image: string
  readonly command: readonly string[]
  readonly env: readonly string[]
  readonly network: string | undefined
  readonly mounts: OpenMounts
}

/** RUN: a command in a container of the image so far; what it changed becomes a layer. */
export async function runStep(
  build: Build,
  step: RunInstruction,
  { state, scope }: { readonly state: BuildState; readonly scope: StageScope },
): Promise<BuildState> {
  checkSecurity(step)
  const command = commandOf({ json: step.json, rest: scriptOf(step) }, state)
  const network = networkOf(build, step)
  const mounts = mountsOf(build, step, state)
  const { env, cached } = runVariables(build, state)
  await using opened = new AsyncDisposableStack()
  const bound = await findBound(build, mounts, { scope, opened })
  return await cachedStep(build, state, {
    createdBy: commandText(command, cached),
    inputs: [step.flags.get('mount') ?? [], network ?? '', await digestBound(bound)],
    make: async () => {
      await using open = await openMounts(build, mounts, bound)
      const image = await hiddenImage(build, state)
      return await runContainer(build, { image, command, env: [...env, ...open.variables], network, mounts: open })
    },
  })
}

/** The shell reads here-documents itself; only one that is the whole command is a script of its own. */
function scriptOf({ rest, heredocs }: RunInstruction): string {
  const [only] = heredocs
  if (only === undefined) return rest
  if (heredocs.length === 1 && /^<<-?['"]?\w+['"]?$/.test(rest.trim())) return only.content
  return `${rest}\n${heredocs.map(({ name, content }) => `${content}${name}\n`).join('')}`
}

function checkSecurity({ flags }: RunInstruction): void {
  const security = flagText(flags, 'security') ?? 'sandbox'
  if (security === 'sandbox') return
  throw unsupported('NO_INSECURE_RUN', `RUN --security=${security} is not done here: commands run without privileges`)
}

function networkOf({ options }: Build, { flags }: RunInstruction): string | undefined {
  const network = flagText(flags, 'network') ?? 'default'
  if (network === 'default') return options.hostConfig?.NetworkMode
  if (network === 'none' || network === options.hostConfig?.NetworkMode) return network
  if (network !== 'host') throw invalidInput('BAD_NETWORK', `unsupported network mode ${JSON.stringify(network)}`)
  throw invalidInput('NETWORK_REFUSED', 'RUN --network=host is refused: allow it with docker build --network=host')
}

function mountsOf({ dockerfile }: Build, { flags }: RunInstruction, state: BuildState): readonly RunMount[] {
  const rules = wordRules(state, dockerfile.escape)
  return (flags.get('mount') ?? []).map(text => readMount(text, rules, state.config.WorkingDir ?? '/'))
}

async function runContainer(build: Build, running: Running): Promise<LayerRef | undefined> {
  const { containers, options, report, store } = build
  const { image, command, env, network, mounts } = running
  const HostConfig = {
    ...options.hostConfig,
    ...(network === undefined ? {} : { NetworkMode: network }),
    Mounts: mounts.requests,
  }
  const Labels = { [STEP_LABEL]: build.id }
  const { Id: id } = await containers.create({ Image: image, Cmd: command, Env: env, Labels, HostConfig }, {})
  let isKept = false
  try {
    report({ stream: ` ---> Running in ${id.slice(0, 12)}\n` })
    const stubs = Stubs.make(await store.roots.mount(id, image), mounts.places)
    const code = await exitCode(build, id)
    isKept = options.keepContainers === 'always' || (options.keepContainers === 'failed' && code !== 0)
    if (code !== 0) {
      const message = `The command '${command.join(' ')}' returned a non-zero code: ${code}`
      throw failed('RUN_FAILED', message, { details: { exitCode: code } })
    }
    await store.roots.unmount(id)
    stubs.clear(await store.roots.changes(id))
    const layer = await keepChanges(build, id)
    if (!isKept) report({ stream: `Removing intermediate container ${id.slice(0, 12)}\n` })
    return layer
  } finally {
    // A container that is kept needs its image.
    if (isKept) build.hidden.keep(image)
    else await containers.remove(id, { force: true, volumes: true })
  }
}

/** Runs a container to its end, showing what it says; killed when the build is given up. */
async function exitCode(build: Build, id: string): Promise<number> {
  const { containers, signal } = build
  const stop = (): void => void containers.kill(id, 'SIGKILL').catch(() => {})
  signal.throwIfAborted()
  signal.addEventListener('abort', stop, { once: true })
  try {
    const exited = containers.wait(id, { condition: 'next-exit' }, signal)
    exited.catch(() => {})
    await containers.start(id)
    await showOutput(build, id)
    const { StatusCode } = await exited
    signal.throwIfAborted()
    return StatusCode
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function showOutput({ containers, report, signal }: Build, id: string): Promise<void> {
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  for await (const { stream, data } of containers.logs(id, { stdout: true, stderr: true, follow: true }, signal)) {
    const text = decoders[stream].write(data)
    if (text !== '') report({ stream: stream === 'stderr' ? inRed(text) : text })
  }
}
