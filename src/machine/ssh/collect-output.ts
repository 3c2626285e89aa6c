import type { Readable } from 'node:stream'

/** Which of a command's two streams. */
export type OutputName = 'stdout' | 'stderr'

/** Hears what a command says, a line at a time. */
export type LineListener = (line: string, from: OutputName) => void

/** So much of the beginning and of the end of a command's output is kept: nobody reads more, and a host must not fill our memory. */
const HALF_CHARS_MAX = 2 << 20

/** What a stream has said so far, its beginning and its end if it says too much. */
export class CollectedOutput {
  #head = ''
  #tail = ''
  /** Characters between the two that are not kept. */
  #dropped = 0
  #rest = ''
  readonly #onLine: ((line: string) => void) | undefined

  constructor(stream: Readable, from: OutputName, onLine?: LineListener) {
    this.#onLine = onLine && (line => onLine(line, from))
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => this.#add(text))
    // How it ended is told by whoever owns the stream.
    stream.on('error', () => {})
  }

  get text(): string {
    if (this.#dropped === 0) return this.#head + this.#tail
    return `${this.#head}\n[${this.#dropped} characters are left out]\n${this.#tail}`
  }

  /** The last line, if no line feed ended it. */
  finish(): string {
    if (this.#rest !== '') this.#onLine?.(this.#rest)
    this.#rest = ''
    this.#trim(HALF_CHARS_MAX)
    return this.text
  }

  #add(text: string): void {
    const room = HALF_CHARS_MAX - this.#head.length
    this.#head += text.slice(0, room)
    this.#tail += text.slice(room)
    // Not at every piece, which would copy the whole tail each time.
    if (this.#tail.length > 2 * HALF_CHARS_MAX) this.#trim(HALF_CHARS_MAX)
    if (this.#onLine === undefined) return
    const lines = (this.#rest + text).split(/\r?\n/)
    this.#rest = (lines.pop() ?? '').slice(0, HALF_CHARS_MAX)
    for (const line of lines) this.#onLine(line)
  }

  #trim(length: number): void {
    const over = this.#tail.length - length
    if (over <= 0) return
    this.#dropped += over
    this.#tail = this.#tail.slice(over)
  }
}
