import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { invalidInput } from '../../../../core/errors.ts'
import type { CommandContext, OutputStream } from '../../../command.ts'
import { readLine } from '../../../terminal/read-line.ts'

type Person = Pick<CommandContext, 'stdin' | 'stdout' | 'stderr' | 'signal'>

/** What one command asks the person: a question after another, as of several at a time nobody could tell whose answer is read. */
export class Questions {
  readonly #person: Person
  readonly #passwords = new Map<string, Promise<string>>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(person: Person) {
    this.#person = person
  }

  /**
   * Asks what is answered with y or n, in docker-machine's way, on standard output unless that is said to be elsewhere. Undefined: nobody
   * answered, as where nobody is there.
   */
  async yesOrNo(question: string, output: OutputStream = this.#person.stdout): Promise<boolean | undefined> {
    const { stdin, signal } = this.#person
    return this.#inTurn(async () => {
      output.write(`${question} (y/n): `)
      const line = await readLine(stdin, signal)
      return line === undefined ? undefined : /^y(es)?$/i.test(line.trim())
    })
  }

  /** Asks for a password that nobody sees as it is typed. Throws NO_PASSWORD if none is given. */
  async password(prompt: string): Promise<string> {
    const { stdin, stderr, signal } = this.#person
    return this.#inTurn(async () => {
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

  /** The password of somebody or something, for which `ask` is only called once: a command that visits a host several times asks once. */
  passwordOf(whom: string, ask: () => Promise<string>): Promise<string> {
    const asked = this.#passwords.get(whom) ?? ask()
    this.#passwords.set(whom, asked)
    return asked
  }

  async #inTurn<T>(question: () => Promise<T>): Promise<T> {
    const answer = this.#last.then(question)
    this.#last = answer.catch(() => undefined)
    return answer
  }
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
