import { driverOf, type Machine } from '../../../../machine/index.ts'
import type { MachineCommand } from '../machine-command.ts'

/**
 * What provisioning, and whoever becomes root on a host, takes a machine's password of sudo from: empty without --ask-sudo-pass. `pausing`
 * keeps others from writing to the terminal meanwhile.
 */
export function sudoPasswordOf(
  machine: Machine,
  { options, questions }: Pick<MachineCommand, 'options' | 'questions'>,
  pausing: <T>(work: () => Promise<T>) => Promise<T> = work => work(),
): { readonly sudoPassword?: () => Promise<string> } {
  if (!options.flag('askSudoPass')) return {}
  const { name } = machine
  const user = driverOf(machine.driver).whereabouts(machine).ssh?.user ?? 'root'
  if (user === 'root') return {}
  const ask = (): Promise<string> => pausing(() => questions.password(`Password of sudo on "${name}" (${user}): `))
  return { sudoPassword: () => questions.passwordOf(name, ask) }
}
