import { conflict, invalidInput } from '../../../../core/errors.ts'
import { checkMachineName, driverOf } from '../../../../machine/index.ts'
import type { MachineCommand } from '../machine-command.ts'
import { connectMachine } from '../run/reach.ts'

/** `machine rename OLD NEW`: here only; a node keeps the name by which its cluster knows it. */
export async function runRename(command: MachineCommand): Promise<void> {
  const { args, context, options, store } = command
  const [name = '', to = ''] = args
  checkMachineName(to)
  await store.exclusively(name, context.signal, async () => {
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
  })
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
    if (machine.driver === 'generic' && !options.flag('force')) await (await connectMachine(moved, command)).close()
    if (options.flag('dryRun')) return void context.stdout.write(`Would have "${name}" be at ${address}\n`)
    await store.save(moved)
    const { url } = driverOf(machine.driver).whereabouts(moved)
    context.stdout.write(`${url}\n`)
    if (machine.swarm !== undefined) {
      context.stderr.write(`Run \`machine provision ${name}\` to have its cluster know the new address\n`)
    }
  })
}
