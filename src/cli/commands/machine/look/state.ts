import { conflict } from '../../../../core/errors.ts'
import { driverOf, type Machine, type MachineState } from '../../../../machine/index.ts'
import { type MachineCommand, portsOf } from '../machine-command.ts'

/** Throws NOT_RUNNING. */
export async function checkRuns(
  machine: Machine,
  command: Pick<MachineCommand, 'context' | 'store' | 'world'>,
): Promise<void> {
  const state = await stateOf(machine, command)
  if (state === 'Running') return
  throw conflict(
    'NOT_RUNNING',
    `Machine "${machine.name}" is not running (${state}): start it, or see \`machine doctor ${machine.name}\``,
  )
}

/** What its driver says that a machine does. */
export function stateOf(
  machine: Machine,
  command: Pick<MachineCommand, 'context' | 'store' | 'world'>,
): Promise<MachineState> {
  return driverOf(machine.driver).state(machine, portsOf(machine.name, command), command.context.signal)
}
