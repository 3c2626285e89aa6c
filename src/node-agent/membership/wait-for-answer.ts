import { type Clock, sleep } from '../../core/clock.ts'
import { errorMessage, isTransient } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'

const RETRY_MS = 1_000
const NOTICE_EVERY_MS = 10_000

/**
 * Repeats work until the store, or the engine, answers, however long that takes, and says every ten seconds that it waits.
 * Errors that do not pass by themselves are thrown.
 */
export async function waitForAnswer<T>(
  whose: 'store' | 'engine',
  work: () => Promise<T>,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<T> {
  let noticedMs = Number.NEGATIVE_INFINITY
  while (true) {
    signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (signal.aborted || !isTransient(error)) throw error
      if (clock.monotonicMs() - noticedMs >= NOTICE_EVERY_MS) {
        noticedMs = clock.monotonicMs()
        const sentence = `the ${whose} does not answer, waiting for it; containers keep running`
        log.warn({ error: errorMessage(error) }, sentence)
      }
      await sleep(clock, RETRY_MS, signal)
    }
  }
}
