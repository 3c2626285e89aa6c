import { type AttachedStream, FrameDecoder } from '../../src/docker-api/index.ts'

/** A conversation with a container or exec. */
export interface Talk {
  /** All that was said to us. */
  readonly text: () => string
  /** Until the stream ends or breaks. */
  readonly over: Promise<void>
  readonly say: (text: string) => void
  /** Says one last thing; the other direction stays open. */
  readonly end: (text: string) => void
  readonly leave: () => void
}

/** Listens to a conversation from now on. */
export function hear({ stream, tty }: AttachedStream): Talk {
  const decoder = new FrameDecoder()
  const { promise: over, resolve } = Promise.withResolvers<void>()
  let text = ''
  stream.on('data', (bytes: Buffer) => {
    text += tty
      ? bytes.toString()
      : decoder
          .push(bytes)
          .map(({ data }) => data.toString())
          .join('')
  })
  stream
    .on('end', resolve)
    .on('close', resolve)
    .on('error', () => resolve())
  return {
    text: () => text,
    over,
    say: said => void stream.write(said),
    end: said => void stream.end(said),
    leave: () => void stream.destroy(),
  }
}
