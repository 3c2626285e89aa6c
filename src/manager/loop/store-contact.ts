import { type Clock, sleep } from '../../core/clock.ts'
import { errorMessage } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { ClusterKeys, Store } from '../../discovery/index.ts'

const ASK_EVERY_MS = 2_000

/** Whether the store answers: watches hide an outage by design, so somebody has to ask. */
export class StoreContact {
  readonly #ports: { readonly store: Store; readonly keys: ClusterKeys; readonly clock: Clock; readonly log: Log }
  #lastMs: number
  #isSilent = false

  constructor(ports: { store: Store; keys: ClusterKeys; clock: Clock; log: Log }) {
    this.#ports = ports
    this.#lastMs = ports.clock.monotonicMs()
  }

  /** How long the store has been silent, in milliseconds; 0 while it answers. */
  silentMs(): number {
    return this.#isSilent ? Math.max(1, this.#ports.clock.monotonicMs() - this.#lastMs) : 0
  }

  /** Asks every two seconds until `signal` is aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    const { store, keys, clock, log } = this.#ports
    while (!signal.aborted) {
      try {
        await store.get(keys.meta)
        if (this.#isSilent) log.info({ silentMs: this.silentMs() }, 'the store answers again')
        this.#lastMs = clock.monotonicMs()
        this.#isSilent = false
      } catch (error) {
        if (signal.aborted) return
        if (!this.#isSilent) log.warn({ error: errorMessage(error) }, 'the store does not answer')
        this.#isSilent = true
      }
      await sleep(clock, ASK_EVERY_MS, signal).catch(() => {})
    }
  }
}
