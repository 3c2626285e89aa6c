import { conflict, EXIT_CODES, errorCode, invalidInput } from '../../../../core/errors.ts'
import { newShortId } from '../../../../core/random.ts'
import {
  checkMachineName,
  driverOf,
  hasBegun,
  hasEngine,
  hasOwnTls,
  type Machine,
  readProvisionRecord,
} from '../../../../machine/index.ts'
import { removeAccess } from '../certs/engine-access.ts'
import { keepClientCertificate } from '../cluster/client-certificate.ts'
import { allMachines, joinedTo } from '../cluster/masters.ts'
import { type MachineCommand, portsOf } from '../machine-command.ts'
import { forEachMachine } from './for-each-machine.ts'
import { endsEarly, provision } from './provision.ts'
import { readMachine, type Wanted, writtenFlags } from './read-machine.ts'
import { createReporter, type Reporter } from './reporter.ts'
import { untilWhole } from './unfinished.ts'
import { type StepWatch, watchSteps } from './watch-steps.ts'

/** `machine create`: makes a machine, or has the one of that name become what is wanted now. */
export async function runCreate(command: MachineCommand): Promise<number> {
  const { args, context, options, store } = command
  const [name = ''] = args
  if (name.includes('@')) {
    throw invalidInput(
      'BAD_MACHINE_NAME',
      `"${name}" is a host and no name: give it with --host, and the machine a name: machine create --host ${name} n1`,
    )
  }
  checkMachineName(name)
  const reporter = createReporter(options, context)
  const wanted = { name, written: writtenFlags(options, context.env) }
  const code = await createOne(wanted, command, reporter).finally(() => reporter.end())
  if (code === EXIT_CODES.done && !endsEarly(command) && !options.flag('dryRun') && !options.flag('json')) {
    const machine = await store.load(name)
    // Whoever makes a manager wants the cluster first.
    const servers = [
      ...(machine.swarm?.master === true ? [['manager', '--swarm ']] : []),
      ...(hasEngine(machine) ? [['Docker Engine', '']] : []),
    ]
    for (const [what, flag] of servers) {
      context.stderr.write(
        `To see how to connect your Docker Client to the ${what} running on this machine, run: machine env ${flag}${name}\n`,
      )
    }
  }
  return code
}

/** Makes or changes one machine while nobody else does. Resolves with the exit code; throws what is wrong before anything is made. */
export async function createOne(wanted: Wanted, command: MachineCommand, reporter: Reporter): Promise<number> {
  const { context, options, store } = command
  const { name } = wanted
  return store.exclusively(name, context.signal, async () => {
    const existing = (await store.has(name)) ? await store.load(name) : undefined
    const id = existing?.id ?? newShortId(context.random)
    const read = { ...readMachine(wanted, existing, context.clock.nowMs()), id }
    if (options.flag('dryRun')) return pretendToCreate({ made: read, existing }, command, reporter)
    const machine = await withCluster({ made: read, existing }, command)
    const steps = watchSteps(reporter)
    return untilWhole(name, command, steps, async () => {
      await make(machine, existing, { command, reporter })
      return provisionOrPutBack({ made: await store.load(name), existing }, command, steps)
    })
  })
}

/** Tells what would be done, as far as that is known before anything is. */
async function pretendToCreate(wanted: Attempt, command: MachineCommand, reporter: Reporter): Promise<number> {
  const { existing } = wanted
  const { name, driver } = wanted.made
  const how = existing === undefined ? `would be created (${driver})` : 'exists already'
  if (driverOf(driver).create !== undefined && existing?.made === undefined) {
    command.wouldBe?.set(name, wanted.made)
    reporter.conclude({ machine: name, ok: true, isChange: true, message: how })
    return EXIT_CODES.done
  }
  reporter.say(name, how)
  try {
    const made = await withCluster(wanted, command)
    command.wouldBe?.set(name, made)
    return await provisionOrPutBack({ made, existing }, command, watchSteps(reporter))
  } catch (error) {
    if (errorCode(error) !== 'NOT_MADE') throw error
    const message = 'Would join a cluster whose manager is to be made first'
    reporter.conclude({ machine: name, ok: true, isChange: true, message })
    return EXIT_CODES.done
  }
}

/** The machine with its cluster named. Throws OTHER_ADDRESS, NO_CLUSTER, and NOT_MADE where the cluster's address is not known yet. */
async function withCluster({ made, existing }: Attempt, command: MachineCommand): Promise<Machine> {
  const { name, swarm } = made
  const others = (await allMachines(command)).filter(machine => machine.name !== name)
  const machine =
    swarm === undefined ? made : { ...made, swarm: joinedTo(swarm, { name, before: existing?.swarm, others }) }
  if (existing !== undefined) await checkAddress(machine, existing, command)
  return machine
}

/**
 * A host that was prepared keeps its name: only `set-address` asks whether what answers elsewhere is the same host.
 * Throws OTHER_ADDRESS.
 */
async function checkAddress(machine: Machine, existing: Machine, { store }: MachineCommand): Promise<void> {
  const { whereabouts } = driverOf(machine.driver)
  const [before, wanted] = [whereabouts(existing).address, whereabouts(machine).address]
  if (before === wanted) return
  const record = await readProvisionRecord(store.folderOf(machine.name))
  if (record === undefined || !hasBegun(record)) return
  throw conflict(
    'OTHER_ADDRESS',
    `Machine "${machine.name}" is at ${before}: choose another name for ${wanted}, or if it has moved there run \`machine set-address ${machine.name} ${wanted}\``,
  )
}

interface Attempt {
  readonly made: Machine
  /** As it was kept before. */
  readonly existing: Machine | undefined
}

/** What was refused before anything was done to the host does not change what is kept of a machine that was there. */
async function provisionOrPutBack(attempt: Attempt, command: MachineCommand, steps: StepWatch): Promise<number> {
  const { made, existing } = attempt
  const { options, store } = command
  let isDone = false
  try {
    const code = await provisionAsMember(attempt, command, steps)
    isDone = code === EXIT_CODES.done
    return code
  } finally {
    // Of what a driver has made nothing is forgotten.
    const isOld = existing !== undefined && driverOf(made.driver).create === undefined
    if (isOld && !isDone && !steps.hasBegun() && !options.flag('dryRun')) await store.save(existing)
  }
}

/** And whoever provisions is let in by the cluster's managers from then on. */
async function provisionAsMember(attempt: Attempt, command: MachineCommand, steps: StepWatch): Promise<number> {
  const { made } = attempt
  const code = await provisionTellingEnd(made, command, steps)
  if (code !== EXIT_CODES.done || endsEarly(command) || command.options.flag('dryRun')) return code
  if (isClosedNow(attempt)) await removeAccess(made.name, command)
  await keepClientCertificate(made, command)
  return code
}

/**
 * An engine of ours serves no more by itself, whichever run it was that began to close its port, or a Docker has taken its place. What a
 * Docker was reached by before came there with it.
 */
function isClosedNow({ made, existing }: Attempt): boolean {
  if (hasOwnTls(made) || driverOf(made.driver).whereabouts(made).ssh === undefined) return false
  return made.engine.kind === 'shoal' || (existing !== undefined && hasOwnTls(existing))
}

/** Whoever interrupts it hears how far it came. */
async function provisionTellingEnd(machine: Machine, command: MachineCommand, steps: StepWatch): Promise<number> {
  try {
    return await provision(machine, command, steps.reporter)
  } catch (error) {
    if (command.context.signal.aborted) {
      const { name } = machine
      const message = steps.hasBegun()
        ? `Interrupted at ${steps.at()}; run it again to go on, or \`machine rm ${name}\` to remove what is there`
        : 'Interrupted before anything was done to the host'
      steps.reporter.conclude({ machine: name, ok: false, message })
    }
    throw error
  }
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
  if (existing === undefined) {
    await driver.precheck?.(machine, ports, context.signal)
    await store.setUnfinished(name, {})
  }
  await store.save(machine)
  if (driver.create === undefined) return
  await driver.create(await store.load(name), ports, context.signal)
}

/** `machine provision`: the steps of `create` for machines that are there. */
export async function runProvision(command: MachineCommand): Promise<number> {
  const { args, context, options } = command
  if (args.length === 0) throw invalidInput('BAD_FLAG', 'Name the machines to provision')
  const reporter = createReporter(options, context)
  return forEachMachine([...new Set(args)], command, reporter, async machine => {
    const steps = watchSteps(reporter)
    const work = (): Promise<number> => provisionAsMember({ made: machine, existing: machine }, command, steps)
    return options.flag('dryRun') ? work() : untilWhole(machine.name, command, steps, work)
  })
}
