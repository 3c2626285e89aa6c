import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { invalidInput } from '../../core/errors.ts'

/** A tar that may be compressed: told by its first bytes, as clients do not say. */
export async function archiveOf(request: IncomingMessage): Promise<Readable> {
  const first = await firstBytes(request)
  if (first === undefined) throw invalidInput('EMPTY_ARCHIVE', 'Cannot read the body: expected a tar archive')
  request.unshift(first)
  const isGzip = first[0] === 0x1f && first[1] === 0x8b
  if (!isGzip) return request
  const gunzip = createGunzip()
  request.on('error', error => gunzip.destroy(error))
  return request.pipe(gunzip)
}

function firstBytes(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const onReadable = (): void => {
      const bytes: unknown = request.read()
      if (bytes === null && !request.readableEnded) return
      cleanUp()
      resolve(Buffer.isBuffer(bytes) ? bytes : undefined)
    }
    const onEnd = (): void => {
      cleanUp()
      resolve(undefined)
    }
    const onError = (error: Error): void => {
      cleanUp()
      reject(error)
    }
    const cleanUp = (): void => {
      request.off('readable', onReadable).off('end', onEnd).off('error', onError)
    }
    request.on('readable', onReadable).on('end', onEnd).on('error', onError)
  })
}
