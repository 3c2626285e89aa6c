import { errorMessage } from '../../../../core/errors.ts'
import type { Machine, RemoteResult, RunOptions, Transport } from '../../../../machine/index.ts'
import { tameLine } from '../../../output/tame-line.ts'
import { askAll } from '../ask-all.ts'
import { exitCodeOfMachine } from '../exit-code.ts'
import type { MachineCommand } from '../machine-command.ts'
import { connectMachine } from './reach.ts'

/** Runs a command over a connection to a machine. */
export type RunOnMachine = (machine: Machine, transport: Transport, options: RunOptions) => Promise<RemoteResult>

/** A command has as long as it takes; nobody waits longer than a day. */
const COMMAND_MS_MAX = 86_400_000

/**
 * Runs a command on machines, each line of it with the machine's name in front unless there is only one, and on the stream on which it
 * was said. `run` says how it is run over a connection to one of them. Resolves with the first exit code that is not 0, in the order of
 * the machines; one that cannot be reached is told and does not stop the others.
 */
export async function runOnAll(
  machines: readonly Machine[],
  run: RunOnMachine,
  command: Pick<MachineCommand, 'context' | 'store' | 'world'>,
): Promise<number> {
  const codes = await askAll(machines, command, async machine => {
    const prefix = machines.length === 1 ? '' : `[${machine.name}] `
    try {
      return await runOn(machine, { run, prefix }, command)
    } catch (error) {
      command.context.signal.throwIfAborted()
      command.context.stderr.write(`${prefix}${errorMessage(error)}\n`)
      return exitCodeOfMachine(error)
    }
  })
  return codes.find(code => code !== 0) ?? 0
}

async function runOn(
  machine: Machine,
  { run, prefix }: { readonly run: RunOnMachine; readonly prefix: string },
  command: Pick<MachineCommand, 'context' | 'store' | 'world'>,
): Promise<number> {
  const { context } = command
  const transport = await connectMachine(machine, command)
  try {
    const { code } = await run(machine, transport, {
      timeoutMs: COMMAND_MS_MAX,
      signal: context.signal,
      onLine(line, from, goesOn = false) {
        // Between the parts of a long line others may say theirs, unless nobody else speaks.
        const end = goesOn && prefix === '' ? '' : '\n'
        context[from].write(`${prefix}${tameLine(line)}${end}`)
      },
    })
    return code
  } finally {
    await transport.close()
  }
}
