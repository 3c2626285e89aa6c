import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { invalidInput, ShoalError } from '../../../core/errors.ts'
import { isBefore } from '../../api-version.ts'
import type { AttachedStream, Engine, ExecStartOptions } from '../../engine.ts'
import { encodeFrame } from '../../stream-frames.ts'
import { readJson } from '../request.ts'

/** Refusals that are answered as such even to who waits for a conversation: there is no such exec, or it cannot run now. */
const PLAIN = [404, 409]

/** Reads the body of `POST /exec/{id}/start`. The size counts since API 1.42, and only for a terminal. */
export async function readExecStart(request: IncomingMessage, version: string): Promise<ExecStartOptions> {
  const { Detach, Tty, ConsoleSize } = await readJson<{ Detach: boolean; Tty: boolean; ConsoleSize: unknown }>(request)
  const size = Tty === true && !isBefore(version, '1.42') ? readSize(ConsoleSize) : undefined
  return { detach: Detach === true, tty: Tty === true, ...(size === undefined ? {} : { size }) }
}

function readSize(pair: unknown): ExecStartOptions['size'] {
  if (pair === undefined || pair === null) return undefined
  const [height, width]: unknown[] = Array.isArray(pair) && pair.length === 2 ? pair : []
  const isLength = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0
  if (!isLength(height) || !isLength(width)) {
    throw invalidInput('BAD_FIELD', 'invalid value for ConsoleSize: expected the height and the width of a terminal')
  }
  return height === 0 && width === 0 ? undefined : { height, width }
}

/**
 * Starts an exec for a client that takes part in it. A command that cannot run is no refusal: stock clients expect a
 * conversation, read the complaint there and then ask for the exit code.
 */
export async function startExec(
  exec: Pick<Engine['exec'], 'start'>,
  id: string,
  options: ExecStartOptions,
): Promise<AttachedStream | undefined> {
  try {
    return await exec.start(id, options)
  } catch (error) {
    if (options.detach || !(error instanceof ShoalError) || PLAIN.includes(error.status)) throw error
    return { tty: options.tty, stream: complaint(`${error.message}\r\n`, options.tty) }
  }
}

/** A conversation that says one thing, where the output goes, ends, and ignores what it is told. */
function complaint(text: string, tty: boolean): Duplex {
  const stream = new Duplex({ read() {}, write: (_data, _encoding, done) => done() })
  const data = Buffer.from(text)
  stream.push(tty ? data : encodeFrame('stdout', data))
  stream.push(null)
  return stream
}
