import { sleep, withDeadline } from '../../../core/clock.ts'
import { isTransient } from '../../../core/errors.ts'
import type { CommandContext } from '../../command.ts'

const POLL_MS = 500

interface Patience {
  readonly timeoutMs: number
  readonly context: CommandContext
  /** What is thrown then. */
  readonly onTimeout: () => Error
}

/** Looks twice a second until something comes of it; rejects with what a look threw, or when the time is over. */
export function lookUntil<T>(
  look: () => Promise<T | undefined>,
  { timeoutMs, context: { clock, signal }, onTimeout }: Patience,
): Promise<T> {
  const looking = async (end: AbortSignal): Promise<T> => {
    while (true) {
      const found = await look()
      if (found !== undefined) return found
      await sleep(clock, POLL_MS, end)
    }
  }
  return withDeadline(looking, timeoutMs, { clock, signal, onTimeout })
}

/** Undefined while a manager, or its store, is away for a moment. */
export async function ifThere<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (isTransient(error)) return undefined
    throw error
  }
}
