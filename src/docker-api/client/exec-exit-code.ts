import { type Clock, sleep } from '../../core/clock.ts'
import type { ExecInspect } from '../container-types.ts'

/** How long is waited before it is asked again: from the first to the last, twice as long each time. */
const POLL_MS = { first: 10, last: 1_000 }

/**
 * The code that a command run in a container has ended with. It may run on when its streams have ended, as it may close them, and
 * has no code until it ends. Rejects with the signal's reason.
 */
export async function execExitCode(
  inspect: () => Promise<Pick<ExecInspect, 'ExitCode'>>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<number> {
  for (let waitMs = POLL_MS.first; ; waitMs = Math.min(waitMs * 2, POLL_MS.last)) {
    signal.throwIfAborted()
    const { ExitCode } = await inspect()
    if (ExitCode !== null) return ExitCode
    await sleep(clock, waitMs, signal)
  }
}
