import { processorMs } from './processor-time.ts'

/** Within this much processor time a daemon has read its program and its flags on any ordinary host, however small. */
const ORDINARY_START_MS = 1_000
/** Whoever is slower than that is missed late rather than never: its silence tells nothing before a minute is over. */
const PACE_MAX = 12

/**
 * How many times as long as on an ordinary host work takes here, from 1 on: by the processor time that this process has taken to start,
 * which does not count what others do. Where programs are emulated, a single step of ours lasts seconds, and who stands still for so
 * long must not be taken for dead each time.
 */
export function hostPace(): number {
  return paceOf(processorMs())
}

/** The same, of a start that took so much processor time. */
export function paceOf(startMs: number): number {
  return Math.min(PACE_MAX, Math.max(1, startMs / ORDINARY_START_MS))
}
