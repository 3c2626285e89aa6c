import { withDeadline } from '../../../../core/clock.ts'
import { conflict, EXIT_CODES, errorMessage, unavailable, unsupported } from '../../../../core/errors.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import { type Driver, type DriverPorts, driverOf, type Machine, type MachineState } from '../../../../machine/index.ts'
import { badArgument } from '../../../usage.ts'
import { sudoPasswordOf } from '../ask/sudo-password.ts'
import { exitCodeOfMachine } from '../exit-code.ts'
import { stateOf } from '../look/state.ts'
import { type MachineCommand, namesOf, portsOf, type RunMachineCommand } from '../machine-command.ts'
import { becomeRoot } from '../run/become-root.ts'
import { connectMachine } from '../run/reach.ts'

const PARALLEL = 8
/** Longer than any driver waits, which can say what is amiss. */
const TIMEOUT_S = 1_200
const COMMAND_MS_MAX = 60_000

/** One of the verbs that turn machines on and off. */
interface Power {
  readonly verb: 'start' | 'stop' | 'kill' | 'restart'
  readonly doing: string
  readonly done: string
  /** Nothing is to be done in this state. */
  readonly unless?: MachineState
  /** Told once, when all have come up. */
  readonly note?: string
}

const NOTE = 'Started machines may have new IP addresses. You may need to re-run the `machine env` command.'

const POWERS: Readonly<Record<Power['verb'], Power>> = {
  start: { verb: 'start', doing: 'Starting', done: 'started', unless: 'Running', note: NOTE },
  stop: { verb: 'stop', doing: 'Stopping', done: 'stopped', unless: 'Stopped' },
  kill: { verb: 'kill', doing: 'Killing', done: 'killed', unless: 'Stopped' },
  restart: { verb: 'restart', doing: 'Restarting', done: 'restarted', note: NOTE },
}

export const runStart: RunMachineCommand = command => runPower(POWERS.start, command)
export const runStop: RunMachineCommand = command => runPower(POWERS.stop, command)
export const runKill: RunMachineCommand = command => runPower(POWERS.kill, command)
export const runRestart: RunMachineCommand = command => runPower(POWERS.restart, command)

/** Does it to all that are named, several at a time. What fails is told, and does not stop the others. */
async function runPower(power: Power, command: MachineCommand): Promise<number> {
  const { context, options } = command
  const limits = readLimits(options)
  const names = await namesOf(command)
  const codes = await mapParallel(names, limits.parallel, async name => {
    try {
      await powerOne(name, power, { ...command, limits })
      return EXIT_CODES.done
    } catch (error) {
      context.signal.throwIfAborted()
      context.stderr.write(`${errorMessage(error)}\n`)
      return exitCodeOfMachine(error)
    }
  })
  const bad = codes.filter(code => code !== EXIT_CODES.done)
  if (power.note !== undefined && bad.length < codes.length && !options.flag('dryRun')) {
    context.stdout.write(`${power.note}\n`)
  }
  if (bad.length > 0 && codes.length > 1) {
    context.stderr.write(`${codes.length - bad.length} of ${codes.length} machines were ${power.done}\n`)
  }
  return bad[0] ?? EXIT_CODES.done
}

interface Limits {
  /** So many machines at a time. */
  readonly parallel: number
  /** As long as one of them may take. */
  readonly timeoutS: number
}

/** Throws BAD_FLAG. */
function readLimits(options: MachineCommand['options']): Limits {
  const { parallel, timeoutS } = {
    parallel: options.number('parallel') ?? PARALLEL,
    timeoutS: options.number('timeout') ?? TIMEOUT_S,
  }
  if (parallel < 1) throw badArgument('--parallel <number>', String(parallel), 'expected 1 or more')
  if (timeoutS <= 0) throw badArgument('-t, --timeout <seconds>', String(timeoutS), 'expected more than nothing')
  return { parallel, timeoutS }
}

async function powerOne(
  name: string,
  power: Power,
  command: MachineCommand & { readonly limits: Limits },
): Promise<void> {
  const { context, limits, options, store } = command
  const { stdout, signal } = context
  await store.exclusively(name, signal, async () => {
    const machine = await store.load(name)
    const work = workOf(machine, power)
    if (power.unless !== undefined && (await stateOf(machine, command)) === power.unless) {
      const word = power.unless === 'Running' ? 'running' : 'stopped'
      throw conflict('ALREADY', `Machine "${name}" is already ${word}.`)
    }
    if (options.flag('dryRun')) return void stdout.write(`Would ${power.verb} "${name}"\n`)
    // Before anything is waited for: whoever types takes as long as it takes.
    await sudoPasswordOf(machine, command).sudoPassword?.()
    stdout.write(`${power.doing} "${name}"...\n`)
    const ports = portsOf(name, command, line => void stdout.write(`(${name}) ${line}\n`))
    const bounded = { ...ports, asRoot: rootOn(machine, command) }
    await withDeadline(inner => work(machine, bounded, inner), limits.timeoutS * 1_000, {
      clock: context.clock,
      signal,
      onTimeout: () =>
        unavailable(
          'TIMEOUT',
          `Machine "${name}" was not ${power.done} within ${limits.timeoutS} s: see \`machine ls\`, or give it longer with --timeout`,
        ),
    })
    stdout.write(`Machine "${name}" was ${power.done}.\n`)
  })
}

/** A connection for each command: the host goes away between them. */
function rootOn(machine: Machine, command: MachineCommand): NonNullable<DriverPorts['asRoot']> {
  return async (words, signal) => {
    const transport = await connectMachine(machine, { ...command, context: { ...command.context, signal } })
    try {
      const shell = await becomeRoot(machine, transport, command)
      return await shell.run('exec "$@"', words, { timeoutMs: COMMAND_MS_MAX, signal })
    } finally {
      await transport.close()
    }
  }
}

/** Throws DRIVER_CANNOT. */
function workOf({ driver, name }: Machine, { verb }: Power): NonNullable<Driver['start']> {
  const found: Driver = driverOf(driver)
  const work = found[verb]
  if (work !== undefined) return work
  throw unsupported(
    'DRIVER_CANNOT',
    `The driver "${driver}" of machine "${name}" does not support ${verb}: ${remedyFor(driver, verb)}`,
  )
}

function remedyFor(driver: string, verb: Power['verb']): string {
  if (driver !== 'generic') return 'it only knows where the machine is'
  return verb === 'start'
    ? 'turn its power on where it stands'
    : 'only restart is done over SSH, as what is off cannot be turned on again'
}
