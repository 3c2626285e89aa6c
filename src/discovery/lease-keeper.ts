import type { Clock, Timer } from '../core/clock.ts'
import type { Lease } from './store.ts'

export interface LeaseCalls {
  /** Renews once; false: the store does not know the lease any more. */
  readonly renew: () => Promise<boolean>
  readonly revoke: () => Promise<void>
}

export interface GrantedLease {
  readonly id: string
  readonly ttlMs: number
  /** When the grant was *asked for*, on the monotonic clock: the store cannot have started to count earlier. */
  readonly askedMs: number
  /** Renewals come at least so often. */
  readonly renewMs?: number
}

interface KeptLease extends Lease {
  /** Stops the renewals without giving the lease back, as a crash does. */
  readonly abandon: () => void
}

/** The leases of one client of a store. */
export class KeptLeases {
  readonly #clock: Clock
  readonly #kept = new Set<KeptLease>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** See {@link keepLease}. */
  keep(granted: GrantedLease, calls: LeaseCalls): Lease {
    const revoke = (): Promise<void> => {
      this.#kept.delete(lease)
      return calls.revoke()
    }
    const lease: KeptLease = keepLease(granted, { ...calls, revoke }, this.#clock)
    this.#kept.add(lease)
    lease.lost.addEventListener('abort', () => this.#kept.delete(lease), { once: true })
    return lease
  }

  /** Renews none of them any more, and gives none back. */
  abandon(): void {
    for (const lease of this.#kept) lease.abandon()
    this.#kept.clear()
  }
}

/**
 * Renews a lease every third of its time or as often as it is asked to, and declares it lost when the store says so or when the last renewal that
 * is known to have worked was *sent* a whole time-to-live ago. So `lost` never fires later than the store's expiry.
 */
export function keepLease(
  { id, ttlMs, askedMs, renewMs = ttlMs }: GrantedLease,
  calls: LeaseCalls,
  clock: Clock,
): KeptLease {
  const intervalMs = Math.min(ttlMs / 3, renewMs)
  const controller = new AbortController()
  let expiresMs = askedMs + ttlMs
  let expiry: Timer
  let next: Timer | undefined
  let over = false

  const end = (): void => {
    over = true
    expiry.cancel()
    next?.cancel()
  }
  const lose = (): void => {
    if (over) return
    end()
    controller.abort(new DOMException(`Lease ${id} has expired`, 'AbortError'))
  }
  const armExpiry = (): Timer => clock.setTimer(expiresMs - clock.monotonicMs(), lose)
  const renew = async (): Promise<void> => {
    const sentMs = clock.monotonicMs()
    // After a failed renewal the next one comes sooner: there is time for several before the lease is lost.
    let waitMs = Math.min(ttlMs / 6, intervalMs)
    try {
      const known = await calls.renew()
      if (over) return
      if (!known) return lose()
      expiry.cancel()
      expiresMs = sentMs + ttlMs
      expiry = armExpiry()
      waitMs = Math.max(0, sentMs + intervalMs - clock.monotonicMs())
    } catch {
      if (over) return
    }
    next = clock.setTimer(waitMs, () => void renew())
  }

  expiry = armExpiry()
  next = clock.setTimer(intervalMs, () => void renew())
  return {
    id,
    ttlMs,
    lost: controller.signal,
    isCurrent: () => !over && clock.monotonicMs() < expiresMs,
    abandon: end,
    async revoke() {
      end()
      await calls.revoke().catch(() => {})
    },
  }
}
