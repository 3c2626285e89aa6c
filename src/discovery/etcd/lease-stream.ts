import type { IDuplexStream, ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from 'etcd3'
import type { Clock } from '../../core/clock.ts'
import { withDeadline } from '../../core/clock.ts'
import { cancelQuietly } from './etcd-stream.ts'

type KeepAliveStream = IDuplexStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>

/**
 * Renews all leases of one connection on one stream that stays open: a stream for each renewal costs a connection each time,
 * because the library takes one that is cancelled for a failure, and closes everything it has to that endpoint.
 */
export class LeaseStream {
  readonly #open: () => Promise<KeepAliveStream>
  readonly #clock: Clock
  readonly #waiting = new Map<string, PromiseWithResolvers<boolean>>()
  #stream: Promise<KeepAliveStream> | undefined

  constructor(open: () => Promise<KeepAliveStream>, clock: Clock) {
    this.#open = open
    this.#clock = clock
  }

  /** One renewal; false if etcd does not know the lease. Throws when the stream breaks, or nothing comes within the time. */
  async renew(id: string, timeoutMs: number): Promise<boolean> {
    const answer = this.#waiting.get(id) ?? this.#expect(id)
    const asking = async (): Promise<boolean> => {
      this.#stream ??= this.#connect()
      const stream = await this.#stream
      stream.write({ ID: id })
      return await answer.promise
    }
    const onTimeout = (): Error => new Error(`no answer within ${timeoutMs / 1_000} s`)
    try {
      return await withDeadline(asking, timeoutMs, { clock: this.#clock, onTimeout })
    } catch (error) {
      // Whatever it was, the next renewal begins with a stream of its own.
      this.#drop(error)
      throw error
    } finally {
      if (this.#waiting.get(id) === answer) this.#waiting.delete(id)
    }
  }

  #expect(id: string): PromiseWithResolvers<boolean> {
    const answer = Promise.withResolvers<boolean>()
    // Nobody may be waiting any more when the stream breaks: the renewal ran out of time.
    void answer.promise.catch(() => {})
    this.#waiting.set(id, answer)
    return answer
  }

  /** Ends it for good: nothing else will need the connection. */
  close(): void {
    const stream = this.#stream
    this.#drop(new Error('the client is closed'))
    void stream?.then(
      opened => opened.cancel(),
      () => {},
    )
  }

  async #connect(): Promise<KeepAliveStream> {
    const stream = await this.#open()
    const fail = (error: unknown): void => this.#drop(error)
    stream.on('data', ({ ID, TTL }) => this.#waiting.get(ID)?.resolve(Number(TTL) > 0))
    stream.on('error', fail)
    stream.on('end', () => fail(new Error('the connection was closed')))
    return stream
  }

  #drop(error: unknown): void {
    const stream = this.#stream
    if (stream === undefined) return
    this.#stream = undefined
    void endQuietly(stream)
    for (const answer of this.#waiting.values()) answer.reject(error)
    this.#waiting.clear()
  }
}

async function endQuietly(opening: Promise<KeepAliveStream>): Promise<void> {
  try {
    cancelQuietly(await opening)
  } catch {
    // It was never open.
  }
}
