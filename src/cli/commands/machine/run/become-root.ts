import { driverOf, findPrivilege, type Machine, RootShell, type Transport } from '../../../../machine/index.ts'
import { sudoPasswordOf } from '../ask/sudo-password.ts'
import type { MachineCommand } from '../machine-command.ts'

/** A shell of root's over a connection to a machine. Throws NO_PRIVILEGE, which says what to do. */
export async function becomeRoot(
  machine: Machine,
  transport: Transport,
  command: Pick<MachineCommand, 'context' | 'options' | 'questions'>,
): Promise<RootShell> {
  const user = driverOf(machine.driver).whereabouts(machine).ssh?.user ?? 'root'
  if (user === 'root') return new RootShell(transport, { by: 'root' })
  const { sudoPassword: ask } = sudoPasswordOf(machine, command)
  return new RootShell(transport, await findPrivilege(transport, { user, ask, signal: command.context.signal }))
}
