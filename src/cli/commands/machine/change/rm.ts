import { EXIT_CODES, errorCode, errorMessage, invalidInput } from '../../../../core/errors.ts'
import { driverOf, type Machine } from '../../../../machine/index.ts'
import { type MachineCommand, portsOf } from '../machine-command.ts'
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
    if (machine !== undefined) await removeMade(machine, command)
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
