import { createWriteStream } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { type Clock, withDeadline } from '../../core/clock.ts'
import { errorMessage, failed, invalidInput } from '../../core/errors.ts'

const DEADLINE_MS = 600_000
const BYTES_MAX = 16 * 2 ** 30
const REDIRECTS_MAX = 10

/**
 * Fetches an address into a file, redirects included. Resolves with when it was last changed (milliseconds; 0: not said).
 * Throws DOWNLOAD_FAILED with the address.
 */
export function download(
  url: string,
  path: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<{ readonly modifiedMs: number }> {
  return withDeadline(inner => fetchTo(url, path, inner), DEADLINE_MS, {
    clock,
    signal,
    onTimeout: () => failed('DOWNLOAD_FAILED', `Get "${url}": not complete within ${DEADLINE_MS / 1_000} s`),
  })
}

async function fetchTo(url: string, path: string, signal: AbortSignal): Promise<{ readonly modifiedMs: number }> {
  const response = await get(url, signal, REDIRECTS_MAX)
  const { statusCode = 0, statusMessage = '', headers } = response
  if (statusCode < 200 || statusCode >= 300) {
    response.destroy()
    throw invalidInput('DOWNLOAD_FAILED', `failed to GET ${url} with status ${statusCode} ${statusMessage}`)
  }
  let bytes = 0
  const measured = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytes += chunk.length
      if (bytes > BYTES_MAX) throw invalidInput('DOWNLOAD_FAILED', `${url} has more than ${BYTES_MAX} bytes`)
      yield chunk
    }
  }
  await pipeline(response, measured, createWriteStream(path, { mode: 0o600 }), { signal })
  return { modifiedMs: Date.parse(headers['last-modified'] ?? '') || 0 }
}

async function get(url: string, signal: AbortSignal, redirectsLeft: number): Promise<IncomingMessage> {
  const response = await once(url, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    throw failed('DOWNLOAD_FAILED', `Get "${url}": ${errorMessage(error)}`)
  })
  const { location } = response.headers
  if (location === undefined || ![301, 302, 303, 307, 308].includes(response.statusCode ?? 0)) return response
  response.destroy()
  if (redirectsLeft === 0) {
    throw invalidInput('DOWNLOAD_FAILED', `Get "${url}": stopped after ${REDIRECTS_MAX} redirects`)
  }
  return get(new URL(location, url).href, signal, redirectsLeft - 1)
}

function once(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { protocol } = new URL(url)
    if (protocol !== 'http:' && protocol !== 'https:') {
      throw invalidInput('DOWNLOAD_FAILED', `unsupported protocol scheme "${protocol}"`)
    }
    const send = protocol === 'https:' ? httpsRequest : httpRequest
    send(url, { signal }, resolve).on('error', reject).end()
  })
}
