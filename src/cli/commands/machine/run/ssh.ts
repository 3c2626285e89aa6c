import { invalidInput } from '../../../../core/errors.ts'
import type { Machine } from '../../../../machine/index.ts'
import { type MachineCommand, namesOf } from '../machine-command.ts'
import { checkReachable, withSshConfig } from './reach.ts'
import { runOnAll } from './run-on-all.ts'

/**
 * `machine ssh NAME[,NAME…] [command…]`: the ssh of this machine, with its terminal; the exit code is the command's. On several
 * machines at once a command is needed, and each line says whose it is.
 */
export async function runSsh(command: MachineCommand): Promise<number> {
  const { args, options } = command
  const [first, ...words] = args
  const names = await namesOf({ ...command, args: first === undefined ? [] : splitNames(first) })
  const machines = await Promise.all(names.map(name => command.store.load(name)))
  const [only] = machines
  if (only !== undefined && machines.length === 1) {
    await checkReachable(only, command)
    return sshTo(only, [...(options.flag('tty') ? ['-t'] : []), ...words], command)
  }
  const line = words.filter((word, index) => index > 0 || word !== '--')
  if (line.length === 0 || options.flag('tty')) {
    throw invalidInput('BAD_FLAG', 'A terminal is of one machine: name one, or give a command for all of them')
  }
  // As ssh does: the words make one line, which the shell over there reads.
  const shellLine = ['sh', '-c', line.join(' ')]
  return runOnAll(machines, (_machine, transport, options) => transport.run(shellLine, options), command)
}

async function sshTo(machine: Machine, words: readonly string[], command: MachineCommand): Promise<number> {
  const { context, world } = command
  return withSshConfig([machine], command, file =>
    world.runProgram(['ssh', '-F', file, machine.name, ...words], context),
  )
}

/** `n1,n2`: a name has no comma in it. */
export function splitNames(text: string): readonly string[] {
  return text.split(',').filter(name => name !== '')
}
