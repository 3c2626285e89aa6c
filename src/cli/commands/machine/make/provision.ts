import { EXIT_CODES } from '../../../../core/errors.ts'
import { driverOf, type Machine } from '../../../../machine/index.ts'
import type { MachineCommand } from '../machine-command.ts'
import { connectMachine } from '../run/reach.ts'
import type { Reporter } from './reporter.ts'

/** Takes a machine from a bare host to a member of its cluster. Resolves with the exit code. */
export async function provision(machine: Machine, command: MachineCommand, reporter: Reporter): Promise<number> {
  const { options } = command
  const { ssh, url } = driverOf(machine.driver).whereabouts(machine)
  if (ssh !== undefined) {
    const expectedKey = options.text('hostKey')
    const transport = await connectMachine(machine, command, {
      acceptNew: options.flag('acceptNew'),
      ...(expectedKey === undefined ? {} : { expectedKey }),
    })
    await transport.close()
  }
  reporter.conclude({ machine: machine.name, ok: true, message: `Created, ${url}` })
  return EXIT_CODES.done
}
