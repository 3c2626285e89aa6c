export type WaitCondition = 'not-running' | 'next-exit' | 'removed'

interface Waiter {
  readonly condition: WaitCondition
  readonly resolve: (exitCode: number) => void
}

/** Who waits for what to happen to which container. */
export class Waiters {
  readonly #waiters = new Map<string, Set<Waiter>>()

  /** Resolves with the exit code when it happens; rejects with the signal's reason. */
  wait(id: string, condition: WaitCondition, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const waiters = this.#waiters.get(id) ?? new Set()
      this.#waiters.set(id, waiters)
      const leave = (): void => {
        waiters.delete(waiter)
        signal.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter = {
        condition,
        resolve: exitCode => {
          leave()
          resolve(exitCode)
        },
      }
      const onAbort = (): void => {
        leave()
        reject(signal.reason as Error)
      }
      waiters.add(waiter)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  tell(id: string, conditions: readonly WaitCondition[], exitCode: number): void {
    const waiters = this.#waiters.get(id)
    if (waiters === undefined) return
    // Leaving the set while it is walked is what sets allow.
    for (const waiter of waiters) if (conditions.includes(waiter.condition)) waiter.resolve(exitCode)
    if (waiters.size === 0) this.#waiters.delete(id)
  }
}
