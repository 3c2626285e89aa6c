import type { Log } from '../../core/log.ts'
import { processorMs } from './processor-time.ts'

/**
 * From how much processor time of a start on the host counts as so many times slower. An ordinary host is far below the first, small or
 * not, and with its program compiled or not: a second. What emulates a processor is far above. Whole steps, so that the same host is the
 * same each time; the last one misses who is silent late rather than never, since that tells nothing before a minute is over.
 */
const STEPS: readonly { readonly fromMs: number; readonly pace: number }[] = [
  { fromMs: 10_000, pace: 12 },
  { fromMs: 4_000, pace: 4 },
]

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
  return STEPS.find(({ fromMs }) => startMs >= fromMs)?.pace ?? 1
}

/** Says what a slow host does otherwise; `leases` in milliseconds, by what they are called. */
export function tellPace(pace: number, leases: Readonly<Record<string, number>>, log: Log): void {
  if (pace > 1)
    log.info(
      { pace, ...leases },
      'programs run slowly on this host: its silence is borne for longer, unless flags say how long',
    )
}
