import type { LogChunk } from '../../../docker-api/index.ts'
import { type LogRecord, parseLogRecord, utcNanoseconds } from './log-record.ts'

/** A line without an end is passed on in pieces of at least this size, so that no container can fill the memory. */
const PENDING_BYTES_MAX = 1 << 20
const NEWLINE = Buffer.from('\n')

interface Pending {
  readonly time: string
  readonly parts: Buffer[]
  bytes: number
}

/** Turns the bytes of log files into whole lines of output; keeps what is unfinished between calls. */
export class LineJoiner {
  readonly #pendingBytesMax: number
  #rest: Buffer = Buffer.alloc(0)
  readonly #pending = new Map<LogRecord['stream'], Pending>()

  /** With `pieces` every piece of a line is passed on as it came, as to who looks on while it is written. */
  constructor({ pieces = false }: { readonly pieces?: boolean } = {}) {
    this.#pendingBytesMax = pieces ? 0 : PENDING_BYTES_MAX
  }

  /** Takes the next bytes; returns the lines that are complete with them. */
  push(bytes: Buffer): LogChunk[] {
    const data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const chunks: LogChunk[] = []
    let start = 0
    for (let end = data.indexOf(0x0a); end >= 0; end = data.indexOf(0x0a, start)) {
      const record = parseLogRecord(data.subarray(start, end))
      start = end + 1
      const chunk = record === undefined ? undefined : this.#add(record)
      if (chunk !== undefined) chunks.push(chunk)
    }
    this.#rest = data.subarray(start)
    return chunks
  }

  /** Lines that never got their end: given as they are, without a newline. */
  flush(): LogChunk[] {
    const chunks = [...this.#pending].map(([stream, { time, parts }]) => ({ stream, time, data: Buffer.concat(parts) }))
    this.#pending.clear()
    return chunks
  }

  #add({ stream, time, partial, text }: LogRecord): LogChunk | undefined {
    const pending = this.#pending.get(stream) ?? { time: utcNanoseconds(time), parts: [], bytes: 0 }
    pending.parts.push(text)
    pending.bytes += text.length
    if (partial && pending.bytes < this.#pendingBytesMax) {
      this.#pending.set(stream, pending)
      return undefined
    }
    this.#pending.delete(stream)
    if (!partial) pending.parts.push(NEWLINE)
    return { stream, time: pending.time, data: Buffer.concat(pending.parts) }
  }
}
