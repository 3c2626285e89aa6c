import type { Readable } from 'node:stream'
import { invalidInput } from '../../../core/errors.ts'

/** The body, which must not be empty: an archive as it was sent, packed or not. Who unpacks it counts its packed bytes. */
export async function archiveOf(body: Readable): Promise<Readable> {
  const first = await firstBytes(body)
  if (first === undefined) throw invalidInput('EMPTY_ARCHIVE', 'Cannot read the body: expected a tar archive')
  body.unshift(first)
  return body
}

function firstBytes(body: Readable): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const onReadable = (): void => {
      const bytes: unknown = body.read()
      if (bytes === null && !body.readableEnded) return
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
      body.off('readable', onReadable).off('end', onEnd).off('error', onError)
    }
    body.on('readable', onReadable).on('end', onEnd).on('error', onError)
  })
}
