import type { IncomingMessage } from 'node:http'
import { failed } from '../../core/errors.ts'
import type { LogChunk } from '../engine.ts'
import type { ProgressMessage } from '../resource-types.ts'
import { FrameDecoder } from '../stream-frames.ts'

/** Longest line of a JSON stream. */
const LINE_BYTES_MAX = 16 * 1024 * 1024

/** One JSON value a line, as events, pull, push, load and build answer. Throws BAD_ANSWER for a line longer than `lineMax`. */
export async function* jsonLines(body: IncomingMessage, lineMax = LINE_BYTES_MAX): AsyncIterable<unknown> {
  let rest = ''
  body.setEncoding('utf8')
  for await (const chunk of body) {
    // Only what is new is searched: a line that comes byte by byte would cost the square of its length.
    const [first = '', ...lines] = String(chunk).split('\n')
    rest += first
    if (rest.length > lineMax) throw failed('BAD_ANSWER', `A line of the answer is longer than ${lineMax} characters`)
    for (const line of lines) {
      if (rest.trim() !== '') yield parseLine(rest)
      rest = line
    }
  }
  if (rest.trim() !== '') yield parseLine(rest)
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw failed('BAD_ANSWER', `The answer has a line that is not JSON: ${line.slice(0, 100)}`, { cause })
  }
}

/** Reads progress to its end; an error inside the stream is thrown. Keeps none of it: a build may talk without end. */
export async function readProgress(
  body: IncomingMessage,
  onProgress: (message: ProgressMessage) => void = () => {},
): Promise<void> {
  for await (const value of jsonLines(body)) {
    const message = value as ProgressMessage
    if (message.error !== undefined) {
      const { message: sentence = message.error, code } = message.errorDetail ?? {}
      throw failed('ENGINE_FAILED', sentence, code === undefined ? {} : { details: { exitCode: code } })
    }
    onProgress(message)
  }
}

/** Logs with `timestamps=1`: the time of each line is cut off its front. A tty's log has no frames, only lines. */
export async function* logChunks(
  body: IncomingMessage,
  { tty, details = false }: { readonly tty: boolean; readonly details?: boolean },
): AsyncIterable<LogChunk> {
  const split = (line: Buffer) => (details ? splitDetails(splitTime(line)) : splitTime(line))
  if (tty) {
    for await (const data of byteLines(body)) yield { stream: 'stdout', ...split(data) }
    return
  }
  const decoder = new FrameDecoder()
  for await (const chunk of body) {
    for (const { stream, data } of decoder.push(chunk as Buffer)) yield { stream, ...split(data) }
  }
}

/** Cuts bytes behind each newline. A line without an end is passed on in pieces, so that it cannot fill the memory. */
async function* byteLines(body: IncomingMessage): AsyncIterable<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of body) {
    let data = Buffer.concat([rest, chunk as Buffer])
    for (let end = data.indexOf(0x0a); end >= 0; end = data.indexOf(0x0a)) {
      yield data.subarray(0, end + 1)
      data = data.subarray(end + 1)
    }
    if (data.length > LINE_BYTES_MAX) {
      yield data
      data = data.subarray(data.length)
    }
    rest = data
  }
  if (rest.length > 0) yield rest
}

function splitTime(data: Buffer): { time: string; data: Buffer } {
  const space = data.indexOf(0x20)
  const time = space < 0 ? '' : data.subarray(0, space).toString('latin1')
  return /^\d{4}-\d\d-\d\dT/.test(time) ? { time, data: data.subarray(space + 1) } : { time: '', data }
}

/** They stand before the line and have no space in them. */
function splitDetails({ time, data }: { time: string; data: Buffer }): { time: string; data: Buffer; details: string } {
  const space = Math.max(0, data.indexOf(0x20))
  return { time, details: data.subarray(0, space).toString('latin1'), data: data.subarray(space + 1) }
}
