import { createInterface } from 'node:readline'
import type { CommandContext } from '../../../command.ts'

/** Asks a question that is answered with y or n, in docker-machine's way; no answer is a no. */
export async function ask(
  question: string,
  { stdin, stdout }: Pick<CommandContext, 'stdin' | 'stdout'>,
): Promise<boolean> {
  stdout.write(`${question} (y/n): `)
  const lines = createInterface({ input: stdin })
  try {
    for await (const line of lines) return /^y(es)?$/i.test(line.trim())
    return false
  } finally {
    lines.close()
  }
}
