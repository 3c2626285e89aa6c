import { Writable } from 'node:stream'
import type { OutputStream } from '../../../src/cli/index.ts'

export interface Terminal {
  readonly stream: OutputStream
  /** What a person sees, and what has gone out above, without looks and trailing blanks. */
  readonly lines: () => readonly string[]
}

const ESCAPE = '\u001b'
/** What a terminal obeys, or a character that it shows. */
const PIECE = new RegExp(`(${ESCAPE}\\[([?\\d;]*)([a-zA-Z]))|([\\s\\S])`, 'gu')

/** A terminal as far as our programs use one: they write at its end, and go up some lines to write anew. */
export function terminal({ columns = 80, rows = 24 }: { columns?: number; rows?: number } = {}): Terminal {
  const screen = ['']
  let [row, column] = [0, 0]
  const obey = (count: string, verb: string): void => {
    if (verb === 'A') {
      // What has gone out above cannot be reached.
      if (Number(count) >= rows) throw new Error(`The cursor was moved ${count} lines up, of ${rows}`)
      row = Math.max(0, row - Number(count))
    }
    if (verb === 'K') screen[row] = ''
    if (verb === 'J') screen.splice(row, Number.POSITIVE_INFINITY, (screen[row] ?? '').slice(0, column))
  }
  const put = (char: string): void => {
    if (char === '\r') column = 0
    else if (char === '\n') {
      row++
      column = 0
      screen[row] ??= ''
    } else if (column < columns) {
      const line = (screen[row] ?? '').padEnd(column)
      screen[row] = line.slice(0, column) + char + line.slice(column + 1)
      column++
    }
  }
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const [, , count = '', verb = '', char = ''] of chunk.toString().matchAll(PIECE)) {
        if (char === '') obey(count, verb)
        else put(char)
      }
      done()
    },
  })
  return {
    stream: Object.assign(stream, { isTTY: true, columns, rows }),
    lines: () => screen.map(line => line.trimEnd()).filter((line, index) => line !== '' || index < screen.length - 1),
  }
}
