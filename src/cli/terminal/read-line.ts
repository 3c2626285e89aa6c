import { invalidInput } from '../../core/errors.ts'
import type { InputStream } from '../command.ts'

const LINE_FEED = 0x0a
/** Nobody types a longer answer. */
const LINE_BYTES_MAX = 65_536

/**
 * The next line of the input, without what ends it; undefined: there is none. What comes behind it stays for whoever reads next, so that
 * answers can be piped to several questions. Throws BAD_FLAG for a line without an end, and what the signal says when it is aborted.
 */
export async function readLine(input: InputStream, signal?: AbortSignal): Promise<string | undefined> {
  signal?.throwIfAborted()
  if (input.readableEnded || input.destroyed) return undefined
  const chunks: Buffer[] = []
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      input.off('data', take).off('end', end).off('close', end).off('error', fail)
      signal?.removeEventListener('abort', abort)
      input.pause()
      finish()
    }
    const take = (chunk: Buffer | string): void => {
      const bytes = Buffer.from(chunk)
      const at = bytes.indexOf(LINE_FEED)
      chunks.push(at < 0 ? bytes : bytes.subarray(0, at))
      if (at < 0) {
        if (chunks.reduce((sum, { length }) => sum + length, 0) > LINE_BYTES_MAX) fail(tooLong())
        return
      }
      settle(() => {
        if (at + 1 < bytes.length) input.unshift(bytes.subarray(at + 1))
        resolve(textOf(chunks))
      })
    }
    const end = (): void => settle(() => resolve(chunks.length === 0 ? undefined : textOf(chunks)))
    const fail = (error: Error): void => settle(() => reject(error))
    const abort = (): void => fail(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    // What is destroyed closes without an end.
    input.on('data', take).once('end', end).once('close', end).once('error', fail)
    input.resume()
  })
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString().replace(/\r$/, '')
}

function tooLong(): Error {
  return invalidInput('BAD_FLAG', `The answer has more than ${LINE_BYTES_MAX} bytes: end it with a line feed`)
}
