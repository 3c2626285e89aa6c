import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { invalidInput } from '../../../../core/errors.ts'
import type { CommandContext } from '../../../command.ts'
import { inTurn } from './in-turn.ts'

/** Asks for a password that nobody sees as it is typed. Throws NO_PASSWORD if none is given. */
export async function askPassword(
  prompt: string,
  { stdin, stderr }: Pick<CommandContext, 'stdin' | 'stderr'>,
): Promise<string> {
  return inTurn(stdin, async () => {
    stderr.write(prompt)
    try {
      const line = await readTyped(stdin)
      if (line !== undefined) return line
      throw invalidInput('NO_PASSWORD', 'No password was given: type it, or pipe it into this command')
    } finally {
      stderr.write('\n')
    }
  })
}

async function readTyped(stdin: CommandContext['stdin']): Promise<string | undefined> {
  // What readline would show goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: nowhere, terminal: stdin.isTTY === true })
  try {
    for await (const line of lines) return line
    return undefined
  } finally {
    lines.close()
  }
}
