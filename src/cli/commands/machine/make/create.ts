import { EXIT_CODES, invalidInput } from '../../../../core/errors.ts'
import { checkMachineName, driverOf, type Machine } from '../../../../machine/index.ts'
import { allMachines, joinedTo } from '../cluster/masters.ts'
import { type MachineCommand, portsOf } from '../machine-command.ts'
import { provision } from './provision.ts'
import { readMachine, type Wanted, writtenFlags } from './read-machine.ts'
import { createReporter, type Reporter } from './reporter.ts'

/** `machine create`: makes a machine, or has the one of that name become what is wanted now. */
export async function runCreate(command: MachineCommand): Promise<number> {
  const { args, context, options } = command
  const [name = ''] = args
  checkMachineName(name)
  const reporter = createReporter(options, context)
  const code = await createOne({ name, written: writtenFlags(options, context.env) }, command, reporter)
  reporter.end()
  if (code === EXIT_CODES.done && !options.flag('dryRun') && !options.flag('json')) {
    context.stderr.write(
      `To see how to connect your Docker Client to the Docker Engine running on this machine, run: machine env ${name}\n`,
    )
  }
  return code
}

/** Makes or changes one machine while nobody else does. Resolves with the exit code; throws what is wrong before anything is made. */
export async function createOne(wanted: Wanted, command: MachineCommand, reporter: Reporter): Promise<number> {
  const { context, options, store } = command
  const { name } = wanted
  return store.exclusively(name, context.signal, async () => {
    const existing = (await store.has(name)) ? await store.load(name) : undefined
    const read = readMachine(wanted, existing, context.clock.nowMs())
    const machine =
      read.swarm === undefined ? read : { ...read, swarm: joinedTo(read.swarm, await othersThan(name, command)) }
    if (!options.flag('dryRun')) {
      await make(machine, existing, { command, reporter })
    } else {
      reporter.say(name, existing === undefined ? `would be created (${machine.driver})` : 'exists already')
      // Of what is not there yet nothing more is known.
      if (driverOf(machine.driver).create !== undefined && existing?.made === undefined) return EXIT_CODES.done
    }
    const made = options.flag('dryRun') ? machine : await store.load(name)
    return provision(made, command, reporter)
  })
}

async function othersThan(name: string, command: MachineCommand): Promise<readonly Machine[]> {
  return (await allMachines(command)).filter(machine => machine.name !== name)
}

interface Making {
  readonly command: MachineCommand
  readonly reporter: Reporter
}

/** The record is kept first, so that after a crash `rm` finds what was made. */
async function make(machine: Machine, existing: Machine | undefined, { command, reporter }: Making): Promise<void> {
  const { context, store } = command
  const { name } = machine
  const driver = driverOf(machine.driver)
  const ports = portsOf(name, command, line => reporter.say(name, line))
  if (existing === undefined) await driver.precheck?.(machine, ports, context.signal)
  await store.save(machine)
  if (driver.create === undefined) return
  await driver.create(await store.load(name), ports, context.signal)
}

/** `machine provision`: the steps of `create` for machines that are there. */
export async function runProvision(command: MachineCommand): Promise<number> {
  const { args, context, options, store } = command
  if (args.length === 0) throw invalidInput('BAD_FLAG', 'Name the machines to provision')
  const reporter = createReporter(options, context)
  const codes: number[] = []
  for (const name of new Set(args)) {
    codes.push(
      await store.exclusively(name, context.signal, async () => provision(await store.load(name), command, reporter)),
    )
  }
  reporter.end()
  return codes.find(code => code !== EXIT_CODES.done) ?? EXIT_CODES.done
}
