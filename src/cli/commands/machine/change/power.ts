import { conflict, errorMessage, unsupported } from '../../../../core/errors.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import { type Driver, type DriverPorts, driverOf, type Machine, type MachineState } from '../../../../machine/index.ts'
import { stateOf } from '../look/state.ts'
import { type MachineCommand, namesOf, portsOf, type RunMachineCommand } from '../machine-command.ts'
import { asRoot } from '../run/as-root.ts'
import { connectMachine } from '../run/reach.ts'

const PARALLEL = 8
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
  const { context } = command
  const names = await namesOf(command)
  const outcomes = await mapParallel(names, PARALLEL, async name => {
    try {
      await powerOne(name, power, command)
      return true
    } catch (error) {
      context.signal.throwIfAborted()
      context.stderr.write(`${errorMessage(error)}\n`)
      return false
    }
  })
  if (power.note !== undefined && outcomes.includes(true) && !command.options.flag('dryRun')) {
    context.stdout.write(`${power.note}\n`)
  }
  return outcomes.includes(false) ? 1 : 0
}

async function powerOne(name: string, power: Power, command: MachineCommand): Promise<void> {
  const { context, options, store } = command
  const { stdout, signal } = context
  await store.exclusively(name, signal, async () => {
    const machine = await store.load(name)
    const work = workOf(machine, power)
    if (power.unless !== undefined && (await stateOf(machine, command)) === power.unless) {
      const word = power.unless === 'Running' ? 'running' : 'stopped'
      throw conflict('ALREADY', `Machine "${name}" is already ${word}.`)
    }
    if (options.flag('dryRun')) return void stdout.write(`Would ${power.verb} "${name}"\n`)
    stdout.write(`${power.doing} "${name}"...\n`)
    const ports = portsOf(name, command, line => void stdout.write(`(${name}) ${line}\n`))
    await work(machine, { ...ports, asRoot: rootOn(machine, command) }, signal)
    stdout.write(`Machine "${name}" was ${power.done}.\n`)
  })
}

/** A connection for each command: the host goes away between them. */
function rootOn(machine: Machine, command: MachineCommand): NonNullable<DriverPorts['asRoot']> {
  return async (words, signal) => {
    const transport = await connectMachine(machine, { ...command, context: { ...command.context, signal } })
    try {
      return await transport.run(asRoot(machine, words), { timeoutMs: COMMAND_MS_MAX, signal })
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
