import type { IncomingMessage } from 'node:http'
import { PassThrough, type Readable } from 'node:stream'
import type { Clock } from '../../../core/clock.ts'

/** What is left of a refused body is read up to here, so that a client that still writes comes to read the answer. */
const REST_BYTES_MAX = 8 * 1024 * 1024
/** And for so long: a client that sends no more gets the answer all the same. */
const REST_MS_MAX = 5_000

export interface ShieldedBody extends AsyncDisposable {
  readonly stream: Readable
}

/**
 * A request's body that may be destroyed by whoever reads it, as streams do that fail, without cutting off the connection
 * that the answer goes to.
 */
export function shieldedBody(request: IncomingMessage, clock: Clock): ShieldedBody {
  const stream = request.pipe(new PassThrough())
  const onClose = (): void => {
    if (!request.complete) stream.destroy(new DOMException('The client closed the connection', 'AbortError'))
  }
  request.once('close', onClose).once('error', onClose)
  // Whoever reads it hears of its errors; nobody else must.
  stream.on('error', () => {})
  return {
    stream,
    async [Symbol.asyncDispose]() {
      request.unpipe(stream)
      stream.destroy()
      await passOver(request, clock)
    },
  }
}

function passOver(request: IncomingMessage, clock: Clock): Promise<void> {
  return new Promise(resolve => {
    if (request.complete || request.destroyed) {
      request.resume()
      return resolve()
    }
    const timer = clock.setTimer(REST_MS_MAX, resolve)
    const done = (): void => {
      timer.cancel()
      resolve()
    }
    let bytes = 0
    const count = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes > REST_BYTES_MAX) done()
    }
    request.on('data', count).once('end', done).once('close', done).once('error', done).resume()
  })
}
