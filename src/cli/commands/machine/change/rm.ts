import { EXIT_CODES, errorCode, errorMessage, invalidInput } from '../../../../core/errors.ts'
import { driverOf, hasBegun, type Machine, type Membership, readProvisionRecord } from '../../../../machine/index.ts'
import { allMachines, masterOf } from '../cluster/masters.ts'
import { withManager } from '../cluster/node-verbs.ts'
import { type MachineCommand, portsOf } from '../machine-command.ts'
import { bareRequest, portsFor, provisionOptions } from '../make/provision.ts'
import { createReporter } from '../make/reporter.ts'
import { ask } from './ask.ts'

/**
 * `machine rm`: removes what was made and forgets it. With --force a machine that is dead or cannot be removed is forgotten all the
 * same, and what may be left of it is told.
 */
export async function runRm(command: MachineCommand): Promise<number> {
  const { args, context, options } = command
  const { stdout } = context
  const names = [...new Set(args)]
  if (names.length === 0) throw invalidInput('BAD_FLAG', 'Name the machines to remove')
  stdout.write(`About to remove ${names.join(', ')}\n`)
  if (!options.flag('yes') && !options.flag('force') && !options.flag('dryRun')) {
    stdout.write('WARNING: This action will delete both local reference and remote instance.\n')
    if (!(await ask('Are you sure?', context))) return EXIT_CODES.done
  }
  let isWhole = true
  for (const name of names) {
    try {
      await removeOne(name, command)
      stdout.write(`${options.flag('dryRun') ? 'Would remove' : 'Successfully removed'} ${name}\n`)
    } catch (error) {
      context.signal.throwIfAborted()
      context.stderr.write(`Error removing machine "${name}": ${errorMessage(error)}\n`)
      isWhole = false
    }
  }
  return isWhole ? EXIT_CODES.done : EXIT_CODES.failed
}

async function removeOne(name: string, command: MachineCommand): Promise<void> {
  const { context, options, store } = command
  await store.exclusively(name, context.signal, async () => {
    const machine = await loadForRemoval(name, command)
    if (options.flag('dryRun')) return
    if (machine !== undefined) {
      await leave(machine, command)
      await removeMade(machine, command)
    }
    await store.remove(name)
  })
}

/** Undefined: its record cannot be read, and it is to be forgotten without. */
async function loadForRemoval(name: string, { options, store }: MachineCommand): Promise<Machine | undefined> {
  try {
    return await store.load(name)
  } catch (error) {
    if (options.flag('force') && errorCode(error) !== 'NO_SUCH_MACHINE') return undefined
    throw error
  }
}

/** Takes the host out of its cluster and removes Shoal from it. Of a dead one only the cluster is told, with --force. */
async function leave(machine: Machine, command: MachineCommand): Promise<void> {
  const { context, options } = command
  if (!(await wasProvisioned(machine, command))) return
  const failure = await cleanUp(machine, command)
  if (failure === undefined) return
  if (!options.flag('force')) throw failure
  context.stderr.write(`Forgetting "${machine.name}" all the same, Shoal may be left on it: ${errorMessage(failure)}\n`)
  const master = masterOf(machine, await allMachines(command))
  if (master === undefined || master.name === machine.name) return
  try {
    await withManager(master, command, manager => manager.forget(machine.name, context.signal))
  } catch (error) {
    context.signal.throwIfAborted()
    context.stderr.write(`Its cluster could not be told: ${errorMessage(error)}\n`)
  }
}

/** A host that nothing was done to is left alone, be it reachable or not. */
async function wasProvisioned(machine: Machine, { store }: MachineCommand): Promise<boolean> {
  if (driverOf(machine.driver).remove !== undefined && machine.swarm === undefined) return false
  const record = await readProvisionRecord(store.folderOf(machine.name))
  return record !== undefined && hasBegun(record)
}

/** Resolves with what went wrong. */
async function cleanUp(machine: Machine, command: MachineCommand): Promise<Error | undefined> {
  const { context, options } = command
  const master = masterOf(machine, await allMachines(command))
  const reporter = createReporter(options, context)
  try {
    const request = await bareRequest(machine, command)
    const clean = async (membership?: Membership): Promise<Error | undefined> => {
      const asked = membership === undefined ? request : { ...request, membership }
      const { sudoPassword, signal, onEvent } = provisionOptions(command, reporter)
      const shared = {
        signal,
        onEvent,
        data: options.flag('data'),
        ...(sudoPassword === undefined ? {} : { sudoPassword }),
      }
      return (await command.world.hosts.clean(asked, shared, portsFor(command))).failed?.error
    }
    if (master === undefined || master.name === machine.name) return await clean()
    return await withManager(master, command, manager => clean(manager))
  } catch (error) {
    context.signal.throwIfAborted()
    return error instanceof Error ? error : new Error(errorMessage(error))
  } finally {
    reporter.end()
  }
}

async function removeMade(machine: Machine, command: MachineCommand): Promise<void> {
  const { context, options } = command
  const report = (line: string): void => void context.stderr.write(`(${machine.name}) ${line}\n`)
  try {
    await driverOf(machine.driver).remove?.(machine, portsOf(machine.name, command, report), context.signal)
  } catch (error) {
    context.signal.throwIfAborted()
    if (!options.flag('force')) throw error
    context.stderr.write(
      `Forgetting "${machine.name}" all the same, what was made may be left: ${errorMessage(error)}\n`,
    )
  }
}
