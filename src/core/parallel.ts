import type { Clock } from './clock.ts'

/** Maps with at most `limit` calls under way; rejects with the first failure once all started calls have ended. */
export async function mapParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const failures: unknown[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const index = next++
      try {
        results[index] = await work(items[index] as T, index)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
  return results
}

export interface Turns {
  /** So many begin together. */
  readonly atOnce: number
  /** Whoever takes longer gives its turn to the next, and goes on. */
  readonly yieldMs: number
  readonly clock: Clock
}

/**
 * Maps without a limit to the calls that are under way, but has them begin in turns: those that give this machine work end before all
 * others add theirs, and those that wait for somebody who is silent hold nobody up. Rejects with the first failure once all started
 * calls have ended.
 */
export async function mapInTurns<T, R>(
  items: readonly T[],
  { atOnce, yieldMs, clock }: Turns,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const failures: unknown[] = []
  const begun: Promise<void>[] = []
  await mapParallel(items, atOnce, async (item, index) => {
    if (failures.length > 0) return
    const turn = Promise.withResolvers<void>()
    const timer = clock.setTimer(yieldMs, turn.resolve)
    const call = (async () => {
      try {
        results[index] = await work(item, index)
      } catch (error) {
        failures.push(error)
      }
    })()
    begun.push(call)
    await Promise.race([call, turn.promise])
    timer.cancel()
  })
  await Promise.all(begun)
  if (failures.length > 0) throw failures[0]
  return results
}
