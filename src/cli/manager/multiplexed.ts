import type { Readable } from 'node:stream'
import { FrameDecoder } from '../../docker-api/index.ts'

export interface OutputPiece {
  readonly stream: 'stdout' | 'stderr'
  readonly data: Buffer
}

/**
 * What a container wrote, from Docker's multiplexed stream, or from the raw one of a container with a terminal: then all of it
 * is stdout. Engines before API 1.42 do not say which it is; the first bytes do.
 */
export async function* readOutput(source: Readable, contentType: string): AsyncGenerator<OutputPiece> {
  const decoder = new FrameDecoder()
  let framed = contentType.includes('multiplexed-stream')
    ? true
    : contentType.includes('raw-stream')
      ? false
      : undefined
  for await (const chunk of source as AsyncIterable<Buffer>) {
    framed ??= (chunk[0] ?? 9) <= 2 && chunk[1] === 0
    if (framed) yield* decoder.push(chunk)
    else yield { stream: 'stdout', data: chunk }
  }
}
