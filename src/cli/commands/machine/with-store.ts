import { join } from 'node:path'
import { invalidInput } from '../../../core/errors.ts'
import { MachineStore, type StoreFiles } from '../../../machine/index.ts'
import type { CommandContext, Invocation, RunCommand } from '../../command.ts'

export interface MachineCommand extends Invocation {
  readonly context: CommandContext
  readonly store: MachineStore
}

export type RunMachineCommand = (command: MachineCommand) => Promise<number | void>

/** The machine that is meant where none is named. */
const DEFAULT_MACHINE = 'default'

/** Makes a command of what is done with the store that `--storage-path` names. */
export function withStore(loadFiles: () => Promise<StoreFiles>, run: RunMachineCommand): RunCommand {
  return async (invocation, context) => {
    const { globals } = invocation
    const { env, clock } = context
    const root =
      globals.text('storagePath') ?? (env['MACHINE_STORAGE_PATH'] || join(env['HOME'] || '/root', '.shoal/machine'))
    const store = new MachineStore(root, { files: await loadFiles(), clock })
    return run({ ...invocation, context, store })
  }
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
  for (const name of args) if (!(await store.has(name))) await store.load(name)
  return args
}

/** The same for commands that are about one machine. */
export async function nameOf(command: Pick<MachineCommand, 'args' | 'store'>): Promise<string> {
  const [name = ''] = await namesOf({ ...command, args: command.args.slice(0, 1) })
  return name
}
