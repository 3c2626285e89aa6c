import { Duplex } from 'node:stream'
import { ShoalError } from '../../core/errors.ts'
import type { AttachedStream, Engine } from '../engine.ts'
import { encodeFrame } from '../stream-frames.ts'

/**
 * Starts an exec for a client that asked to upgrade. A command that cannot run is no refusal: stock clients expect an
 * upgraded connection, read the complaint there and then ask for the exit code.
 */
export async function startExec(
  exec: Pick<Engine['exec'], 'start'>,
  id: string,
  options: { readonly detach: boolean; readonly tty: boolean },
): Promise<AttachedStream | undefined> {
  try {
    return await exec.start(id, options)
  } catch (error) {
    if (options.detach || !(error instanceof ShoalError) || error.details['exitCode'] === undefined) throw error
    return { tty: options.tty, stream: complaint(`${error.message}\r\n`, options.tty) }
  }
}

/** A conversation that says one thing on stderr, ends, and ignores what it is told. */
function complaint(text: string, tty: boolean): Duplex {
  const stream = new Duplex({ read() {}, write: (_data, _encoding, done) => done() })
  const data = Buffer.from(text)
  stream.push(tty ? data : encodeFrame('stderr', data))
  stream.push(null)
  return stream
}
