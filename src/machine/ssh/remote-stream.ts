import { Duplex, type Readable, type Writable } from 'node:stream'

/** What a stream over SSH is made of: a channel of ssh2, or the pipes of an `ssh` process. */
export interface RemoteEnds {
  readonly output: Readable
  readonly input: Writable
  /** The end of its output is told with how it ended, which `finish` says: a command has failed where its output only stops. */
  readonly isCommand?: boolean
  /** Lets go of the other side. */
  readonly hangUp: () => void
}

/**
 * Bytes to and from a host as Node's own streams behave: half closed where one side has said all, ended where the other side is
 * gone, destroyed with a reason. A channel of ssh2 forgets the reason, and never calls back who writes to one that is closed.
 */
export class RemoteStream extends Duplex {
  readonly #ends: RemoteEnds
  #isEnded = false

  constructor(ends: RemoteEnds) {
    super({ allowHalfOpen: true })
    this.#ends = ends
    const { output, input } = ends
    output.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) output.pause()
    })
    if (ends.isCommand !== true) output.once('end', () => this.#endReading())
    for (const end of new Set([output, input])) end.on('error', error => this.destroy(error))
  }

  /** The other side is gone: what it said is still read. With an error, that is how reading ends. */
  finish(error?: Error): void {
    if (error !== undefined) {
      this.destroy(error)
      return
    }
    this.once('end', () => this.destroy())
    this.#endReading()
  }

  override _read(): void {
    this.#ends.output.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#ends.input.write(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#ends.input.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#ends.hangUp()
    done(error)
  }

  #endReading(): void {
    if (this.#isEnded || this.destroyed) return
    this.#isEnded = true
    this.push(null)
  }
}
