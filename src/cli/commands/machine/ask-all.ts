import { mapInTurns } from '../../../core/parallel.ts'
import type { CommandContext } from '../../command.ts'

/** So many begin together: a login is work for this machine, and its deadline is not to run while others have theirs. */
const AT_ONCE = 16
/** A login that takes longer waits for its host, and not for us. */
const YIELD_MS = 250

/** Asks something of any number of machines, or has them do something. Those that are silent do not keep the others from being asked. */
export function askAll<T, R>(
  asked: readonly T[],
  { context: { clock } }: { readonly context: Pick<CommandContext, 'clock'> },
  ask: (each: T) => Promise<R>,
): Promise<R[]> {
  return mapInTurns(asked, { atOnce: AT_ONCE, yieldMs: YIELD_MS, clock }, ask)
}
