import { withDeadline } from '../../../../core/clock.ts'
import { errorCode, errorMessage, ShoalError, unavailable } from '../../../../core/errors.ts'
import { createDockerClient, type DockerClient } from '../../../../docker-api/index.ts'
import {
  driverOf,
  ENGINE_SOCKET,
  hasEngine,
  MANAGER_SOCKET,
  type Machine,
  type MachineState,
  PLACES,
  type Transport,
} from '../../../../machine/index.ts'
import type { MachineCommand } from '../machine-command.ts'
import { becomeRoot } from '../run/become-root.ts'
import { connectMachine } from '../run/reach.ts'
import { engineOf, readCertificates } from './places.ts'
import { stateOf } from './state.ts'

const SHOAL = `${PLACES.current}/bin/shoal`
const DOCKER_SOCKET = '/var/run/docker.sock'
const ANSWER_MS_MAX = 20_000
/** Exit code of a shell that finds no program of that name. */
const NO_SUCH_PROGRAM = 127

type Looking = Pick<MachineCommand, 'context' | 'options' | 'questions' | 'store' | 'world'>

/** What a machine does now. */
export interface MachineLook {
  readonly state: MachineState
  /** `v20.10.24`, of a machine without an engine its manager's; empty: it was not asked. */
  readonly engineVersion: string
  /** Why something of it is not known; empty: all is. */
  readonly error: string
  /** The same in some words, where that is long: what happened, and what to type. */
  readonly brief?: string
  readonly responseMs: number
}

/** Asks a machine how it is. Never rejects but when cancelled: one that is ill must not hide the others. */
export async function lookAt(machine: Machine, timeoutMs: number, command: Looking): Promise<MachineLook> {
  const { clock, signal } = command.context
  const beganMs = clock.monotonicMs()
  const look = (state: MachineState, rest: Partial<MachineLook> = {}): MachineLook => ({
    state,
    engineVersion: '',
    error: '',
    responseMs: clock.monotonicMs() - beganMs,
    ...rest,
  })
  const asking = async (inner: AbortSignal): Promise<MachineLook> => {
    const bounded = { ...command, context: { ...command.context, signal: inner } }
    const state = await stateOf(machine, bounded)
    if (state !== 'Running') return look(state)
    try {
      return look(state, { engineVersion: versionShown(await versionOf(machine, bounded)) })
    } catch (error) {
      inner.throwIfAborted()
      return look(state, { engineVersion: 'Unknown', error: whyUnknown(machine, error) })
    }
  }
  try {
    const onTimeout = (): Error => unavailable('TIMEOUT', 'timed out')
    return await withDeadline(asking, timeoutMs, { clock, signal, onTimeout })
  } catch (error) {
    signal.throwIfAborted()
    if (errorCode(error) === 'TIMEOUT') return look('Timeout', { error: `no answer within ${timeoutMs / 1_000} s` })
    return look('Error', { error: errorMessage(error) })
  }
}

/** As docker-machine shows it; our manager calls itself `shoal/0.1.0`, as Docker's tools know it by that from an engine. */
function versionShown(version: string): string {
  return `v${version.replace(/^shoal\//, '')}`
}

/** No password is asked for here: of many machines nobody would know how many are to come. */
function whyUnknown({ name }: Machine, error: unknown): string {
  if (!(error instanceof ShoalError) || error.details['asksPassword'] !== true) return errorMessage(error)
  return `sudo asks for a password there: run \`machine doctor --ask-sudo-pass ${name}\``
}

async function versionOf(machine: Machine, command: Looking): Promise<string> {
  if (!hasEngine(machine)) return versionOverSsh(machine, command)
  const { url, certificates } = await engineOf(machine, command)
  if (url.startsWith('ssh:')) return versionOverSsh(machine, command)
  const tls = certificates === undefined ? undefined : await readCertificates(certificates)
  const client = createDockerClient(url, { clock: command.context.clock, tls })
  try {
    return await versionThrough(client, command)
  } finally {
    client.close()
  }
}

/** Who logs in as root asks its socket, which starts no program there. Sockets are for root, and others ask by a command line of its. */
async function versionOverSsh(machine: Machine, command: Looking): Promise<string> {
  const transport = await connectMachine(machine, command)
  try {
    const isRoot = driverOf(machine.driver).whereabouts(machine).ssh?.user === 'root'
    if (isRoot) {
      const version = await versionBySocket(machine, transport, command)
      if (version !== undefined) return version
    }
    return await versionByCommand(machine, transport, command)
  } finally {
    await transport.close()
  }
}

/** Undefined: nobody can be asked that way, as where sshd forwards no sockets. */
async function versionBySocket(machine: Machine, transport: Transport, command: Looking): Promise<string | undefined> {
  const { clock, signal } = command.context
  const socket = socketOf(machine)
  const client = createDockerClient(`unix://${socket}`, { clock, dial: inner => transport.dialSocket(socket, inner) })
  try {
    return await versionThrough(client, command)
  } catch (error) {
    signal.throwIfAborted()
    // It is there and says nothing: no command of its own would hear more.
    if (errorCode(error) === 'ENGINE_SILENT') throw error
    return undefined
  } finally {
    client.close()
  }
}

/** What answers nothing is waited for as long as the machine is. */
async function versionThrough({ transport }: DockerClient, { context: { signal } }: Looking): Promise<string> {
  const said = (await transport.json({ method: 'GET', path: '/version', signal, responseMs: ANSWER_MS_MAX })) as {
    readonly Version: string
  }
  return said.Version
}

async function versionByCommand(machine: Machine, transport: Transport, command: Looking): Promise<string> {
  const words = isOurs(machine) ? [SHOAL, '--host', `unix://${socketOf(machine)}`, 'version'] : ['docker', 'version']
  const asked = [...words, '--format', '{{.Server.Version}}']
  const { signal } = command.context
  const shell = await becomeRoot(machine, transport, command)
  const { code, stdout, stderr } = await shell.run('exec "$@"', asked, { timeoutMs: ANSWER_MS_MAX, signal })
  if (code === 0) return stdout.trim()
  if (code === NO_SUCH_PROGRAM && isOurs(machine)) {
    throw unavailable('NO_ENGINE', `Shoal is not installed there: run \`machine provision ${machine.name}\``)
  }
  const last = stderr.trim().split('\n').at(-1) ?? ''
  const what = hasEngine(machine) ? 'engine' : 'manager'
  throw unavailable('NO_ENGINE', last === '' ? `its ${what} does not answer (exit code ${code})` : last)
}

function isOurs({ engine, swarm }: Machine): boolean {
  return engine.kind === 'shoal' || swarm !== undefined
}

function socketOf(machine: Machine): string {
  if (!isOurs(machine)) return DOCKER_SOCKET
  return hasEngine(machine) ? ENGINE_SOCKET : MANAGER_SOCKET
}
