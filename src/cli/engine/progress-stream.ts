import type { IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { failed } from '../../core/errors.ts'
import type { ProgressMessage } from '../../docker-api/index.ts'

/** Reads the messages of a stream to its end; the first error among them is thrown, in the engine's words. */
export async function followProgress(body: IncomingMessage, show: (message: ProgressMessage) => void): Promise<void> {
  for await (const line of createInterface({ input: body, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue
    const message = JSON.parse(line) as ProgressMessage
    const error = message.errorDetail?.message ?? message.error
    if (error !== undefined) throw failed('ENGINE_FAILED', error)
    show(message)
  }
}
