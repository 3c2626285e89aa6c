import { createInterface } from 'node:readline'
import type { CommandContext } from '../../../command.ts'
import { inTurn } from './in-turn.ts'

type Asked = Pick<CommandContext, 'stdin' | 'stdout'>

/** Asks a question that is answered with y or n, in docker-machine's way; no answer is a no. */
export async function ask(question: string, asked: Asked): Promise<boolean> {
  return (await answerTo(question, asked)) ?? false
}

/** The same; undefined: nobody answered, as where nobody is there. */
export async function answerTo(question: string, { stdin, stdout }: Asked): Promise<boolean | undefined> {
  return inTurn(stdin, async () => {
    stdout.write(`${question} (y/n): `)
    const lines = createInterface({ input: stdin })
    try {
      for await (const line of lines) return /^y(es)?$/i.test(line.trim())
      return undefined
    } finally {
      lines.close()
    }
  })
}
