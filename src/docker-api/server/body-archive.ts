import type { IncomingMessage } from 'node:http'
import { invalidInput } from '../../core/errors.ts'

/** The body, which must not be empty: an archive as it was sent, packed or not. Who unpacks it counts its packed bytes. */
export async function archiveOf(request: IncomingMessage): Promise<IncomingMessage> {
  const first = await firstBytes(request)
  if (first === undefined) throw invalidInput('EMPTY_ARCHIVE', 'Cannot read the body: expected a tar archive')
  request.unshift(first)
  return request
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
