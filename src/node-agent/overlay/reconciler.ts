import { type Clock, sleep } from '../../core/clock.ts'
import { errorMessage } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'

const RETRY_MS = 2_000

/** Runs `work` after each wake, never twice at a time, once for all wakes that came meanwhile; again later if it fails. */
export class Reconciler {
  readonly #work: () => Promise<void>
  readonly #ports: { readonly clock: Clock; readonly log: Log }
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined
  #isWanted = false

  constructor(work: () => Promise<void>, ports: { readonly clock: Clock; readonly log: Log }) {
    this.#work = work
    this.#ports = ports
  }

  readonly wake = (): void => {
    if (this.#closing.signal.aborted) return
    this.#isWanted = true
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when the run under way has ended; none begins after. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#isWanted && !this.#closing.signal.aborted) {
      this.#isWanted = false
      try {
        await this.#work()
      } catch (error) {
        this.#ports.log.warn({ error: errorMessage(error) }, 'overlay is not as it should be, will retry')
        this.#isWanted = true
        await sleep(this.#ports.clock, RETRY_MS, this.#closing.signal).catch(() => {})
      }
    }
  }
}
