import { conflict, invalidInput } from '../../../../core/errors.ts'
import { checkMachineName, driverOf, hasBegun, type Machine, readProvisionRecord } from '../../../../machine/index.ts'
import { allMachines, membersOf } from '../cluster/masters.ts'
import type { MachineCommand } from '../machine-command.ts'
import { connectMachine } from '../run/reach.ts'

/** `machine rename OLD NEW`: here only; a node keeps the name by which its cluster knows it. */
export async function runRename(command: MachineCommand): Promise<void> {
  const { args, context, options, store } = command
  const [name = '', to = ''] = args
  checkMachineName(to)
  if (name === to) {
    await store.load(name)
    context.stderr.write(`Machine "${name}" has that name already: nothing was changed\n`)
    return void context.stdout.write(`${name}\n`)
  }
  // In one order, so that two who rename crosswise do not wait for one another.
  const [first = name, second = to] = [name, to].toSorted()
  const exclusively = (work: () => Promise<void>): Promise<void> =>
    store.exclusively(first, context.signal, () => store.exclusively(second, context.signal, work))
  await exclusively(async () => {
    const machine = await store.load(name)
    if (machine.swarm !== undefined) {
      throw conflict(
        'IS_A_NODE',
        `"${name}" is the name by which its cluster knows it: remove the machine and create it again as "${to}"`,
      )
    }
    if (driverOf(machine.driver).create !== undefined) {
      throw conflict('HAS_NAME', `The driver "${machine.driver}" knows the machine as "${name}": it cannot be renamed`)
    }
    if (options.flag('dryRun')) return void context.stdout.write(`Would rename "${name}" to "${to}"\n`)
    await store.rename(name, to)
    context.stdout.write(`${to}\n`)
    if (await keepsName(machine, to, command)) {
      context.stderr.write(
        `Its engine still calls itself "${name}": run \`machine provision ${to}\` to have it take the new name, which starts it anew; containers go on\n`,
      )
    }
  })
}

/** Whether an engine runs on its host that was told the name of before. A Docker that was there is called as its host is. */
async function keepsName({ engine }: Machine, to: string, { store }: MachineCommand): Promise<boolean> {
  const record = await readProvisionRecord(store.folderOf(to))
  return engine.kind === 'shoal' && record !== undefined && hasBegun(record)
}

/** The setting that holds a machine's address, by driver. */
const ADDRESS: Readonly<Record<string, string>> = { generic: 'generic-ip-address', none: 'url' }

/** `machine set-address NAME ADDRESS`: where a host is now. It must show the key that it showed before. */
export async function runSetAddress(command: MachineCommand): Promise<void> {
  const { args, context, options, store } = command
  const [name = '', address = ''] = args
  await store.exclusively(name, context.signal, async () => {
    const machine = await store.load(name)
    const setting = ADDRESS[machine.driver]
    if (setting === undefined) {
      throw invalidInput('HAS_ADDRESS', `The driver "${machine.driver}" gives "${name}" its address: it cannot be set`)
    }
    const moved = { ...machine, settings: { ...machine.settings, [setting]: address } }
    driverOf(machine.driver).check(moved.settings)
    if (machine.settings[setting] === address) {
      context.stderr.write(`Machine "${name}" is at ${address} already: nothing was changed\n`)
      return void context.stdout.write(`${driverOf(machine.driver).whereabouts(machine).url}\n`)
    }
    await checkKeptStore(machine, command)
    if (machine.driver === 'generic' && !options.flag('force')) await (await connectMachine(moved, command)).close()
    if (options.flag('dryRun')) return void context.stdout.write(`Would have "${name}" be at ${address}\n`)
    await store.save(moved)
    const { url } = driverOf(machine.driver).whereabouts(moved)
    context.stdout.write(`${url}\n`)
    if (machine.swarm !== undefined || machine.access === 'tls') {
      const who = machine.swarm === undefined ? 'its certificate be for' : 'its cluster know'
      context.stderr.write(`Run \`machine provision ${name}\` to have ${who} the new address\n`)
    }
  })
}

/** Members know their store by its address. Throws HAS_MEMBERS. */
async function checkKeptStore(machine: Machine, command: MachineCommand): Promise<void> {
  if (command.options.flag('force')) return
  const members = membersOf(machine, await allMachines(command))
  if (members.length === 0) return
  const names = members.map(({ name }) => name).join(', ')
  throw conflict(
    'HAS_MEMBERS',
    `Machine "${machine.name}" keeps the store of the cluster that ${names} would look for at its old address: remove them first and create them again, or use -f`,
  )
}
