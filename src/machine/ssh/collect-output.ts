import type { Readable } from 'node:stream'

/** Which of a command's two streams. */
export type OutputName = 'stdout' | 'stderr'

/** Hears what a command says, a line at a time; of one that is very long its parts, each but the last with `goesOn`. */
export type LineListener = (line: string, from: OutputName, goesOn?: boolean) => void

/** So much of the beginning and of the end of a command's output is kept: nobody reads more, and a host must not fill our memory. */
const HALF_CHARS_MAX = 2 << 20
/** A line that is longer is told in parts: a host must not fill our memory with one either. */
const PART_CHARS = 2 << 20

/** What a stream has said so far, its beginning and its end if it says too much. */
export class CollectedOutput {
  #head = ''
  #tail = ''
  /** Characters between the two that are not kept. */
  #dropped = 0
  /** The line that has not ended yet, or what was not told of it. It is only added to, and searched by nobody: that takes no copies. */
  #rest = ''
  /** Whether parts of that line were told already. */
  #isInside = false
  readonly #onLine: ((line: string, goesOn: boolean) => void) | undefined

  constructor(stream: Readable, from: OutputName, onLine?: LineListener) {
    this.#onLine = onLine && ((line, goesOn) => onLine(line, from, goesOn))
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
    if (this.#rest !== '' || this.#isInside) this.#tellLine(this.#rest)
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
    let begin = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', begin)) {
      this.#tellLine((this.#rest + text.slice(begin, end)).replace(/\r$/, ''))
      begin = end + 1
    }
    this.#rest += text.slice(begin)
    if (this.#rest.length >= PART_CHARS) this.#tellPart()
  }

  #tellLine(line: string): void {
    this.#rest = ''
    this.#isInside = false
    this.#onLine?.(line, false)
  }

  #tellPart(): void {
    // What ends a line is no part of it, and may come in two pieces.
    const held = this.#rest.endsWith('\r') ? '\r' : ''
    const part = this.#rest.slice(0, this.#rest.length - held.length)
    this.#rest = held
    this.#isInside = true
    this.#onLine?.(part, true)
  }

  #trim(length: number): void {
    const over = this.#tail.length - length
    if (over <= 0) return
    this.#dropped += over
    this.#tail = this.#tail.slice(over)
  }
}
