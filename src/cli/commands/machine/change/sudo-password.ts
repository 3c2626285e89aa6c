import { driverOf, type Machine } from '../../../../machine/index.ts'
import type { CommandContext } from '../../../command.ts'
import type { MachineCommand } from '../machine-command.ts'
import { askPassword } from './ask-password.ts'

type Asking = Pick<MachineCommand, 'context' | 'options'>
type Typed = Map<string, Promise<string>>

/** What was typed for machines, by where it was typed: a command that visits a host several times asks once. */
const typed = new WeakMap<CommandContext['stdin'], Typed>()

/**
 * What provisioning, and whoever asks a manager, takes a machine's password of sudo from: empty without --ask-sudo-pass. `pausing` keeps
 * others from writing to the terminal meanwhile.
 */
export function sudoPasswordOf(
  machine: Machine,
  { context, options }: Asking,
  pausing: <T>(work: () => Promise<T>) => Promise<T> = work => work(),
): { readonly sudoPassword?: () => Promise<string> } {
  if (!options.flag('askSudoPass')) return {}
  const { name } = machine
  const user = driverOf(machine.driver).whereabouts(machine).ssh?.user ?? 'root'
  const known: Typed = typed.get(context.stdin) ?? new Map()
  typed.set(context.stdin, known)
  return {
    sudoPassword() {
      const asked = known.get(name) ?? pausing(() => askPassword(`Password of sudo on "${name}" (${user}): `, context))
      known.set(name, asked)
      return asked
    },
  }
}
