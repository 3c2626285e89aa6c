/** So many bytes of an archive are passed on at once. */
export const PIECE_BYTES = 256 * 1024

/**
 * Puts an archive together in pieces of {@link PIECE_BYTES}: most of it is headers and small files, and each that is passed on by
 * itself costs more than its bytes.
 */
export class Pieces {
  readonly #room: () => Buffer
  #piece: Buffer | undefined
  #used = 0
  /** What did not fit any more, in memory of its own. */
  #more: Buffer[] = []

  /** `room` gives memory of {@link PIECE_BYTES}; it is asked for the next when the one before was passed on. */
  constructor(room: () => Buffer = () => Buffer.allocUnsafe(PIECE_BYTES)) {
    this.#room = room
  }

  /** Bytes that the piece still has room for. */
  get free(): number {
    return this.#more.length > 0 ? 0 : PIECE_BYTES - this.#used
  }

  /** The next bytes of the archive, for whoever asks to write them. They hold anything. */
  readonly take = (bytes: number): Buffer => {
    if (bytes <= this.free) return this.next(bytes, bytes)
    const own = Buffer.allocUnsafe(bytes)
    this.#more.push(own)
    return own
  }

  /** What the piece has room for, at most so many bytes; the first `used` of them are taken. */
  next(bytesMax: number, used = 0): Buffer {
    this.#piece ??= this.#room()
    const from = this.#used
    this.#used += used
    return this.#piece.subarray(from, Math.min(from + bytesMax, PIECE_BYTES))
  }

  /** Takes what was written to {@link next}. */
  advance(bytes: number): void {
    this.#used += bytes
  }

  /** Passes on what has come together, if anything has. */
  *flush(): Generator<Buffer> {
    const [piece, used, more] = [this.#piece, this.#used, this.#more]
    this.#piece = undefined
    this.#used = 0
    this.#more = []
    if (piece !== undefined && used > 0) yield piece.subarray(0, used)
    yield* more
  }
}
