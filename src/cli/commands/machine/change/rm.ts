import { conflict, EXIT_CODES, errorCode, errorMessage, invalidInput } from '../../../../core/errors.ts'
import { driverOf, hasBegun, type Machine, type Membership, readProvisionRecord } from '../../../../machine/index.ts'
import { allMachines, managersWithout, masterOf, membersOf } from '../cluster/masters.ts'
import { withManagers } from '../cluster/node-verbs.ts'
import { type MachineCommand, portsOf } from '../machine-command.ts'
import { bareRequest, portsFor, provisionOptions } from '../make/provision.ts'
import { createReporter } from '../make/reporter.ts'

/**
 * `machine rm`: removes what was made and forgets it. With --force a machine that is dead or cannot be removed is forgotten all the
 * same, and what may be left of it is told.
 */
export async function runRm(command: MachineCommand): Promise<number> {
  const { args, context, options, questions, store } = command
  const { stdout } = context
  const names = await membersFirst([...new Set(args)], command)
  if (names.length === 0) throw invalidInput('BAD_FLAG', 'Name the machines to remove')
  const isThere = await Promise.all(names.map(name => store.has(name)))
  // Nobody is asked about what would come to nothing.
  if (!isThere.includes(true)) await store.load(names[0] ?? '')
  stdout.write(`About to remove ${names.join(', ')}\n`)
  if (!options.flag('yes') && !options.flag('force') && !options.flag('dryRun')) {
    stdout.write('WARNING: This action will delete both local reference and remote instance.\n')
    const toldBefore = await Promise.all(names.map(name => whatGoes(name, command)))
    stdout.write(
      toldBefore
        .flat()
        .map(line => `${line}\n`)
        .join(''),
    )
    const answer = await questions.yesOrNo('Are you sure?')
    if (answer === undefined) {
      throw invalidInput('NOT_ASKED', 'Nobody answered, so nothing was removed: add -y to remove without a question')
    }
    if (!answer) return EXIT_CODES.done
  }
  let isWhole = true
  for (const name of names) {
    try {
      await removeOne(name, names, command)
      stdout.write(`${options.flag('dryRun') ? 'Would remove' : 'Successfully removed'} ${name}\n`)
    } catch (error) {
      context.signal.throwIfAborted()
      context.stderr.write(`Error removing machine "${name}": ${errorMessage(error)}\n`)
      isWhole = false
    }
  }
  return isWhole ? EXIT_CODES.done : EXIT_CODES.failed
}

/** A cluster's store goes last: members leave by way of it. */
async function membersFirst(names: readonly string[], command: MachineCommand): Promise<readonly string[]> {
  const machines = await allMachines(command)
  const isStore = (name: string): boolean =>
    machines.some(each => each.name === name && masterOf(each, machines) === each)
  return [...names.filter(name => !isStore(name)), ...names.filter(isStore)]
}

/** What removing does to a machine, a line each. Of one that cannot be read nothing is known. */
async function whatGoes(name: string, command: MachineCommand): Promise<readonly string[]> {
  const machine = (await allMachines(command)).find(each => each.name === name)
  if (machine === undefined) return []
  const lines: string[] = []
  if (await wasProvisioned(machine, command)) {
    const [master] = managersWithout(machine, await allMachines(command))
    if (master !== undefined) lines.push(`tasks move away from it, and "${master.name}" forgets it`)
    if (master === undefined && machine.swarm?.master === true)
      lines.push('its cluster ends: the store and the authority go')
    const kept = command.options.flag('data') ? 'containers, images and volumes go too' : 'images and volumes stay'
    lines.push(`Shoal is stopped and removed from the host; ${kept}`)
  }
  if (driverOf(machine.driver).remove !== undefined) lines.push('what its driver made is deleted')
  return lines.map(line => `${name}: ${line}`)
}

/** Without the only store of a cluster its members are lost. Throws HAS_MEMBERS naming those that would remain. */
async function checkMembers(machine: Machine, gone: readonly string[], command: MachineCommand): Promise<void> {
  if (command.options.flag('force')) return
  const machines = await allMachines(command)
  if (managersWithout(machine, machines).length > 0) return
  const members = membersOf(machine, machines)
  const left = members.map(({ name }) => name).filter(name => !gone.includes(name))
  if (left.length === 0) return
  throw conflict(
    'HAS_MEMBERS',
    `It keeps the store of the cluster that ${left.join(', ')} ${left.length === 1 ? 'is' : 'are'} in: remove them first, or use -f to leave them without a manager`,
  )
}

async function removeOne(name: string, names: readonly string[], command: MachineCommand): Promise<void> {
  const { context, options, store } = command
  await store.exclusively(name, context.signal, async () => {
    const machine = await loadForRemoval(name, command)
    // What was to be removed before it counts only if it is gone; where nothing is done it would be.
    if (machine !== undefined) await checkMembers(machine, options.flag('dryRun') ? names : [], command)
    if (options.flag('dryRun')) {
      for (const line of await whatGoes(name, command)) context.stdout.write(`${line}\n`)
      return
    }
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
  const managers = managersWithout(machine, await allMachines(command))
  if (managers.length === 0) return
  try {
    await withManagers(managers, command, manager => manager.forget(machine, context.signal))
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
  const managers = managersWithout(machine, await allMachines(command))
  const reporter = createReporter(options, context)
  try {
    const request = await bareRequest(machine, command)
    const clean = async (membership?: Membership): Promise<Error | undefined> => {
      const asked = membership === undefined ? request : { ...request, membership }
      const { sudoPassword, signal, onEvent } = provisionOptions(machine, command, reporter)
      const shared = {
        signal,
        onEvent,
        data: options.flag('data'),
        ...(sudoPassword === undefined ? {} : { sudoPassword }),
      }
      return (await command.world.hosts.clean(asked, shared, portsFor(command))).failed?.error
    }
    if (managers.length === 0) return await clean()
    return await withManagers(managers, command, manager => clean(manager))
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
