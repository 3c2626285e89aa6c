import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { invalidInput } from '../../../../core/errors.ts'
import type { CommandContext } from '../../../command.ts'
import { readLine } from '../../../terminal/read-line.ts'
import { inTurn } from './in-turn.ts'

/** Asks for a password that nobody sees as it is typed. Throws NO_PASSWORD if none is given. */
export async function askPassword(
  prompt: string,
  { stdin, stderr, signal }: Pick<CommandContext, 'stdin' | 'stderr' | 'signal'>,
): Promise<string> {
  return inTurn(stdin, async () => {
    stderr.write(prompt)
    try {
      const line = stdin.isTTY === true ? await readTyped(stdin, signal) : await readLine(stdin, signal)
      if (line !== undefined) return line
      throw invalidInput('NO_PASSWORD', 'No password was given: type it, or pipe it into this command')
    } finally {
      stderr.write('\n')
    }
  })
}

/** From a terminal, which does not show it: what readline would write goes nowhere. */
async function readTyped(stdin: CommandContext['stdin'], signal: AbortSignal): Promise<string | undefined> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true, signal })
  try {
    for await (const line of lines) return line
    signal.throwIfAborted()
    return undefined
  } finally {
    lines.close()
  }
}
