import type { CommandContext } from '../../../command.ts'
import { readLine } from '../../../terminal/read-line.ts'
import { inTurn } from './in-turn.ts'

type Asked = Pick<CommandContext, 'stdin' | 'stdout' | 'signal'>

/** Asks a question that is answered with y or n, in docker-machine's way; no answer is a no. */
export async function ask(question: string, asked: Asked): Promise<boolean> {
  return (await answerTo(question, asked)) ?? false
}

/** The same; undefined: nobody answered, as where nobody is there. */
export async function answerTo(question: string, { stdin, stdout, signal }: Asked): Promise<boolean | undefined> {
  return inTurn(stdin, async () => {
    stdout.write(`${question} (y/n): `)
    const line = await readLine(stdin, signal)
    return line === undefined ? undefined : /^y(es)?$/i.test(line.trim())
  })
}
