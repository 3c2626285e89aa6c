/** A log as it was when it was looked at. */
export interface LogSize {
  readonly bytes: number
  readonly atMs: number
}

/** How long after the first word of a log that was silent it is looked at: it may be a flood. */
export const FIRST_LOOK_MS = 250
/** How often logs are looked at that grow slowly, */
export const LOOK_EVERY_MS = 2_000
/** and those that grow fastest. */
const LOOK_EVERY_MS_MIN = 100

/**
 * When a log has to be looked at again: when it will reach its limit if it grows on as it did, within bounds. Undefined if it has
 * not grown: then it costs nothing until somebody writes to it. `bytesNow` is what it has after a rotation.
 */
export function nextLookMs(
  before: LogSize,
  seen: LogSize,
  { bytesMax, bytesNow = seen.bytes }: { readonly bytesMax: number; readonly bytesNow?: number },
): number | undefined {
  if (seen.bytes === before.bytes) return undefined
  // A shorter one was replaced: what is there came since.
  const grown = seen.bytes < before.bytes ? seen.bytes : seen.bytes - before.bytes
  const bytesPerMs = grown / Math.max(1, seen.atMs - before.atMs)
  const untilFullMs = (bytesMax - bytesNow) / Math.max(bytesPerMs, Number.MIN_VALUE)
  return Math.min(LOOK_EVERY_MS, Math.max(LOOK_EVERY_MS_MIN, untilFullMs))
}
