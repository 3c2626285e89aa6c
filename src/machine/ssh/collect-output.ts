import type { Readable } from 'node:stream'

/** More of a command's output than this is dropped: nobody reads it, and a host must not fill our memory. */
const OUTPUT_CHARS_MAX = 4 << 20

/** What a stream has said so far, its beginning and its end if it says too much. */
export class CollectedOutput {
  #text = ''
  #rest = ''
  readonly #onLine: ((line: string) => void) | undefined

  constructor(stream: Readable, onLine?: (line: string) => void) {
    this.#onLine = onLine
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => this.#add(text))
    // How it ended is told by whoever owns the stream.
    stream.on('error', () => {})
  }

  get text(): string {
    return this.#text
  }

  /** The last line, if no line feed ended it. */
  finish(): string {
    if (this.#rest !== '') this.#onLine?.(this.#rest)
    this.#rest = ''
    return this.#text
  }

  #add(text: string): void {
    this.#text = (this.#text + text).slice(0, OUTPUT_CHARS_MAX)
    if (this.#onLine === undefined) return
    const lines = (this.#rest + text).split(/\r?\n/)
    this.#rest = (lines.pop() ?? '').slice(0, OUTPUT_CHARS_MAX)
    for (const line of lines) this.#onLine(line)
  }
}
