import { join } from 'node:path'
import type { Clock } from '../../../core/clock.ts'
import { EXIT_CODES, invalidInput, unsupported } from '../../../core/errors.ts'
import type { ClientTls } from '../../../docker-api/index.ts'
import {
  type Bundle,
  type cleanHost,
  type createToken,
  type DriverPorts,
  type driverPorts,
  type HostRequest,
  type Machine,
  MachineStore,
  type provisionHost,
  type StoreFiles,
  type Transport,
  type upgradeHost,
} from '../../../machine/index.ts'
import type { CommandContext, CommandLeaf, Environment, Invocation, Options, RunCommand } from '../../command.ts'
import { printError } from '../../output/print-error.ts'
import { Questions } from './ask/questions.ts'
import { exitCodeOfMachine } from './exit-code.ts'

/** What the commands use of the world besides their context. Made by main/, or by a test. */
export interface MachineWorld {
  /** What deadlines of hosts are measured by: they end for a host's silence, not because we did not get to hear it. */
  readonly patience: (clock: Clock) => Clock
  readonly files: StoreFiles
  /** Connects to a host over SSH. */
  readonly connect: (request: HostRequest, context: CommandContext, signal: AbortSignal) => Promise<Transport>
  /**
   * Runs a program of this machine at the person's terminal and resolves with its exit code. Throws PROGRAM_MISSING if it is not
   * installed.
   */
  readonly runProgram: (words: readonly string[], options: ProgramOptions) => Promise<number>
  /** Shoal as hosts get it: this installation. Throws NOT_BUILT. */
  readonly bundle: (store: MachineStore) => Promise<Bundle>
  readonly hosts: HostWork
  /** What drivers use of this machine and of its network. */
  readonly driverPorts: typeof driverPorts
  /** The certificate that a server shows. Throws what is in the way. */
  readonly certificateOf: (
    at: { readonly host: string; readonly port: number },
    context: CommandContext,
  ) => Promise<ShownCertificate>
  /** Gets a person's certificate from a manager, and writes ca.pem, cert.pem and key.pem, for their owner alone. */
  readonly clientCertificate: (asked: ClientCertificate, context: CommandContext) => Promise<void>
  /** Sees that an engine answers whoever shows these certificates. Throws what is in the way. */
  readonly askEngine: (url: string, tls: ClientTls, context: CommandContext) => Promise<void>
  /** What ssh's configuration says of a host, as `ssh -G` prints it; undefined: there is no ssh here. */
  readonly sshConfigOf: (request: HostRequest, env: Environment) => Promise<string | undefined>
}

/** A certificate that a person is to have, by a join token. */
export interface ClientCertificate {
  /** Who it is, as the name in it begins. */
  readonly person: string
  readonly directory: string
  readonly managers: readonly string[]
  readonly token: string
}

/** A certificate as people look at it. */
export interface ShownCertificate {
  readonly subject: string
  readonly issuer: string
  /** As Date.parse reads it. */
  readonly validTo: string
}

/** What is done to hosts over SSH, each in steps of its own. */
export interface HostWork {
  readonly provision: typeof provisionHost
  readonly clean: typeof cleanHost
  readonly upgrade: typeof upgradeHost
  readonly createToken: typeof createToken
}

export interface ProgramOptions {
  readonly env: Environment
  readonly signal: AbortSignal
}

export interface MachineCommand extends Invocation {
  readonly context: CommandContext
  readonly store: MachineStore
  readonly world: MachineWorld
  readonly questions: Questions
  /** Machines as a dry run would have made them, by name: others may join what they would keep. */
  readonly wouldBe?: Map<string, Machine>
}

export type RunMachineCommand = (command: MachineCommand) => Promise<number | void>

/** A command before it knows its world. */
export type MachineLeaf = Omit<CommandLeaf, 'load'> & { readonly run: () => Promise<RunMachineCommand> }

/** The machine that is meant where none is named. */
const DEFAULT_MACHINE = 'default'

/** Options of docker-machine that stand before the command and that this one does otherwise. */
const REFUSED_GLOBALS: readonly (readonly [name: string, flag: string, why: string])[] = [
  ['nativeSsh', '--native-ssh', 'which client of SSH can do it is found out'],
  ['githubApiToken', '--github-api-token', 'nothing is fetched from GitHub'],
  ['bugsnagApiToken', '--bugsnag-api-token', 'nothing is reported to anybody'],
]

/** Makes a command of what is done with the store that `--storage-path` names. */
export function withStore(loadWorld: () => Promise<MachineWorld>, run: RunMachineCommand): RunCommand {
  return async (invocation, invoker) => {
    const { globals } = invocation
    for (const [name, flag, why] of REFUSED_GLOBALS) {
      const isWritten = globals.text(name) !== undefined || globals.flag(name)
      if (isWritten) throw unsupported('UNSUPPORTED_FLAG', `"${flag}" is not supported: ${why}`)
    }
    const world = await loadWorld()
    const context = { ...invoker, clock: world.patience(invoker.clock) }
    const store = new MachineStore(rootOf(globals, invoker), { files: world.files, clock: context.clock })
    try {
      return await run({ ...invocation, context, store, world, questions: new Questions(context) })
    } catch (error) {
      context.signal.throwIfAborted()
      if (globals.flag('debug') && error instanceof Error) context.stderr.write(`${error.stack ?? ''}\n`)
      const code = exitCodeOfMachine(error)
      if (code <= EXIT_CODES.refused) throw error
      printError(error, context.stderr)
      return code
    }
  }
}

function rootOf(globals: Options, { env }: CommandContext): string {
  return globals.text('storagePath') ?? (env['MACHINE_STORAGE_PATH'] || join(env['HOME'] || '/root', '.shoal/machine'))
}

/** The machines that are named, or the one called `default`. Throws NO_MACHINE_NAME, or NO_SUCH_MACHINE before anything is done. */
export async function namesOf({ args, store }: Pick<MachineCommand, 'args' | 'store'>): Promise<readonly string[]> {
  if (args.length === 0) {
    if (await store.has(DEFAULT_MACHINE)) return [DEFAULT_MACHINE]
    throw invalidInput(
      'NO_MACHINE_NAME',
      `No machine name(s) specified and no "${DEFAULT_MACHINE}" machine exists: name one, see \`machine ls\``,
    )
  }
  const names = [...new Set(args)]
  for (const name of names) if (!(await store.has(name))) await store.load(name)
  return names
}

/**
 * The machines that are named, or with `--all` all that are meant by it; those are passed over that cannot be. Throws BAD_FLAG for names
 * beside `--all`, and what {@link namesOf} does.
 */
export async function namesOrAll(
  command: Pick<MachineCommand, 'args' | 'options' | 'store'>,
  isMeant: (machine: Machine) => boolean,
  isAll = command.options.flag('all'),
): Promise<readonly string[]> {
  const { args, store } = command
  if (!isAll) return namesOf(command)
  if (args.length > 0) throw invalidInput('BAD_FLAG', 'Name machines, or give --all: not both')
  const machines = await Promise.all((await store.names()).map(name => store.load(name)))
  return machines.filter(isMeant).map(({ name }) => name)
}

/** What a driver uses of the world for one machine. */
export function portsOf(
  name: string,
  { context, store, world }: Pick<MachineCommand, 'context' | 'store' | 'world'>,
  report: (line: string) => void = () => {},
): DriverPorts {
  const { clock, random, env } = context
  return world.driverPorts(store, name, { clock, random, env, report })
}

/** The same for commands that are about one machine. */
export async function nameOf(command: Pick<MachineCommand, 'args' | 'store'>): Promise<string> {
  const [name = ''] = await namesOf({ ...command, args: command.args.slice(0, 1) })
  return name
}
