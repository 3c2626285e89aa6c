/**
 * Docker's multiplexed stream: each frame is a byte that names the stream (0 stdin, 1 stdout, 2 stderr), three zeros, the
 * length as a big-endian 32-bit number, and that many bytes.
 */

const FRAME_STREAMS = { stdin: 0, stdout: 1, stderr: 2 } as const
/** A longer frame is no frame: the peer does not speak this format. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024
const HEADER_BYTES = 8

export interface Frame {
  readonly stream: 'stdout' | 'stderr'
  readonly data: Buffer
}

export function encodeFrame(stream: 'stdout' | 'stderr', data: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + data.length)
  frame.writeUInt32BE(FRAME_STREAMS[stream] * 0x1000000, 0)
  frame.writeUInt32BE(data.length, 4)
  frame.set(data, HEADER_BYTES)
  return frame
}

/** Cuts a byte stream into frames; what is incomplete waits for the next push. */
export class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0)

  /** Throws a SyntaxError when the bytes are no frames. */
  push(chunk: Uint8Array): Frame[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const frames: Frame[] = []
    while (this.#rest.length >= HEADER_BYTES) {
      const kind = this.#rest[0]
      const length = this.#rest.readUInt32BE(4)
      if (kind === undefined || kind > 2 || length > FRAME_BYTES_MAX) {
        throw new SyntaxError('Cannot read multiplexed stream: this is no frame header')
      }
      if (this.#rest.length < HEADER_BYTES + length) break
      const data = this.#rest.subarray(HEADER_BYTES, HEADER_BYTES + length)
      frames.push({ stream: kind === FRAME_STREAMS.stderr ? 'stderr' : 'stdout', data })
      this.#rest = this.#rest.subarray(HEADER_BYTES + length)
    }
    return frames
  }
}
