import { FACTS_SCRIPT } from '../../../src/machine/provision/facts/facts-script.ts'
import type { RemoteResult, RunOptions, Transport } from '../../../src/machine/ssh/transport.ts'
import { BARE, type Lines } from './scene.ts'

export interface Ran {
  readonly words: readonly string[]
  readonly stdin: string
}

const DONE: RemoteResult = { code: 0, stdout: '', stderr: '' }

/** A host that says what it is told to, and remembers what it was asked. */
export class FakeHost implements Transport {
  readonly ran: Ran[] = []
  closed = false
  /** Once set, no command comes through any more. */
  lost: Error | undefined
  /** What it says to looks, one after the other; the last stays. */
  looks: Lines[] = [{}]
  /** Answers other scripts; by default they do what they should. */
  answer: (ran: Ran) => RemoteResult = ({ words }) =>
    words[0] === 'sh' && words[2]?.includes('id -u') === true ? { ...DONE, stdout: 'root\n' } : DONE

  async run(words: readonly string[], { stdin = '', signal }: RunOptions): Promise<RemoteResult> {
    if (this.lost !== undefined) throw this.lost
    signal?.throwIfAborted()
    const ran = { words, stdin: stdin.toString() }
    this.ran.push(ran)
    if (!words.includes(FACTS_SCRIPT)) {
      const said = this.answer(ran)
      signal?.throwIfAborted()
      return said
    }
    const look = this.looks.length > 1 ? this.looks.shift() : this.looks[0]
    return { ...DONE, stdout: JSON.stringify({ ...BARE, ...look }) }
  }

  async dialSocket(): Promise<never> {
    throw new Error('Nothing is dialled')
  }

  async close(): Promise<void> {
    this.closed = true
  }
}
