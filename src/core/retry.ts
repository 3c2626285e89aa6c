import { type Clock, sleep } from './clock.ts'
import { isTransient } from './errors.ts'

export interface Patience {
  readonly triesMax: number
  /** How long to wait after the given attempt (1, 2, …), in milliseconds. */
  readonly waitMs: (attempt: number) => number
  /** Which errors may pass; all transient ones unless told. */
  readonly mayPass?: (error: unknown) => boolean
}

/** Doubling from `firstMs` up to `maxMs`. */
export function backoff(firstMs: number, maxMs: number): (attempt: number) => number {
  return attempt => Math.min(maxMs, firstMs * 2 ** (attempt - 1))
}

/** Repeats work that failed with an error that may pass; any other error is thrown at once. */
export async function retry<T>(
  work: () => Promise<T>,
  patience: Patience,
  { clock, signal }: { clock: Clock; signal?: AbortSignal | undefined },
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (!(patience.mayPass ?? isTransient)(error) || attempt >= patience.triesMax) throw error
      await sleep(clock, patience.waitMs(attempt), signal)
    }
  }
}
