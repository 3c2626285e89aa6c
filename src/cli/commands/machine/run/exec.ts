import { invalidInput } from '../../../../core/errors.ts'
import { type MachineCommand, namesOf } from '../machine-command.ts'
import { runOnAll } from './run-on-all.ts'
import { splitNames } from './ssh.ts'

/** `machine exec NAME[,NAME…] COMMAND [ARG…]`: words are passed as they are, without a shell that takes them apart. */
export async function runExec(command: MachineCommand): Promise<number> {
  const { args, options, store } = command
  const isAll = options.flag('all')
  const [first = '', ...rest] = args
  const names = isAll ? await store.names() : await namesOf({ ...command, args: splitNames(first) })
  const words = (isAll ? args : rest).filter((word, index) => index > 0 || word !== '--')
  if (words.length === 0) throw invalidInput('BAD_FLAG', 'Name a command: machine exec n1 uptime')
  const machines = await Promise.all(names.map(name => store.load(name)))
  return runOnAll(machines, (_machine, transport, options) => transport.run(words, options), command)
}
