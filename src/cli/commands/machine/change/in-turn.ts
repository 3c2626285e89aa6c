import type { CommandContext } from '../../../command.ts'

type Input = CommandContext['stdin']

/** Who is being asked something, by where answers come from. */
const asking = new WeakMap<Input, Promise<unknown>>()

/** Asks one question after another: of several at a time nobody could tell whose answer is read. */
export async function inTurn<T>(stdin: Input, question: () => Promise<T>): Promise<T> {
  const before = asking.get(stdin) ?? Promise.resolve()
  const answer = before.then(question)
  asking.set(
    stdin,
    answer.catch(() => undefined),
  )
  return answer
}
