/** A timer that was set; cancelling it twice, or after it fired, is harmless. */
export interface Timer {
  readonly cancel: () => void
}

/** The only way to know or to wait for time. Everything that waits takes one, so that it can run on virtual time. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. For people and records, never for deadlines. */
  readonly nowMs: () => number
  /** The same in whole microseconds, the finest that a number holds this far from 1970. For the order of records. */
  readonly nowMicros: () => number
  /** Milliseconds from an arbitrary origin. Never goes back. For deadlines and durations. */
  readonly monotonicMs: () => number
  /** Calls `run` once after `delayMs`, unless cancelled. Does not keep the process alive by itself. */
  readonly setTimer: (delayMs: number, run: () => void) => Timer
}

const MICROS_PER_MS = 1_000
const TIMER_MS_MAX = 2 ** 31 - 1

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  nowMicros: () => toMicros(Date.now(), performance.timeOrigin + performance.now()),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, run) {
    let handle: NodeJS.Timeout | undefined
    // Node fires a timer that is longer than this at once.
    const arm = (leftMs: number): void => {
      const turnMs = Math.min(leftMs, TIMER_MS_MAX)
      handle = setTimeout(() => (leftMs > turnMs ? arm(leftMs - turnMs) : run()), turnMs)
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(handle) }
  },
}

/**
 * Joins the two clocks there are: the wall clock, which knows milliseconds, and one that counts finer from the start of the
 * process and does not follow when the wall clock is set. Never outside of the wall clock's millisecond.
 */
export function toMicros(wallMs: number, countedMs: number): number {
  const counted = Math.floor(countedMs * MICROS_PER_MS)
  const wall = wallMs * MICROS_PER_MS
  if (counted >= wall && counted < wall + MICROS_PER_MS) return counted
  // They are a little apart: ahead, the millisecond is about to end, behind, it has just begun.
  if (Math.abs(countedMs - wallMs) < 2) return counted < wall ? wall : wall + MICROS_PER_MS - 1
  return wall + (counted % MICROS_PER_MS)
}

/** Resolves after `ms`; rejects with the signal's reason as soon as the signal is aborted. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason)
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * Runs `work` with a signal that is aborted after `ms`, when `signal` is, or when `work` fails; rejects with `onTimeout()` when time is up
 * even if `work` ignores its signal.
 */
export async function withDeadline<T>(
  work: (signal: AbortSignal) => Promise<T>,
  ms: number,
  { clock, signal, onTimeout }: { clock: Clock; signal?: AbortSignal | undefined; onTimeout: () => Error },
): Promise<T> {
  signal?.throwIfAborted()
  const controller = new AbortController()
  const expired = Promise.withResolvers<never>()
  const timer = clock.setTimer(ms, () => {
    const error = onTimeout()
    // First: what is aborted rejects at once too, with less to say.
    expired.reject(error)
    controller.abort(error)
  })
  const onAbort = (): void => {
    expired.reject(signal?.reason)
    controller.abort(signal?.reason)
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work(controller.signal), expired.promise])
  } catch (error) {
    // Whatever part of the work still goes on must not outlive its failure.
    controller.abort(error)
    throw error
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', onAbort)
    expired.promise.catch(() => {})
  }
}
