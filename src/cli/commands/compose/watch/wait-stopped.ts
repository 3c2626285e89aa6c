import { type Clock, sleep } from '../../../../core/clock.ts'
import type { TaskView } from '../../../../core/model/control-api.ts'
import type { Progress } from '../../../output/progress/progress.ts'

export interface StopWait {
  /** What is still to stop; undefined: nothing is waited for any more. */
  readonly left: () => Promise<readonly TaskView[] | undefined>
  readonly timeoutMs: number
  readonly onTimeout: (left: readonly TaskView[]) => Error
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly progress?: Progress
}

const POLL_MS = 250

/** Waits until containers have stopped, and tells which are stopping, and which are gone. Throws what `onTimeout` makes of those that are late. */
export async function waitStopped({ left, timeoutMs, onTimeout, clock, signal, progress }: StopWait): Promise<void> {
  const deadline = clock.monotonicMs() + timeoutMs
  let stopping: readonly string[] = []
  for (;;) {
    const tasks = await left()
    const names = (tasks ?? []).map(task => `Container ${task.name}`)
    for (const name of stopping) if (!names.includes(name)) progress?.tell(name, 'Removed')
    if (tasks === undefined) return
    for (const name of names) progress?.tell(name, 'Stopping')
    stopping = names
    if (clock.monotonicMs() >= deadline) throw onTimeout(tasks)
    await sleep(clock, POLL_MS, signal)
  }
}

/** Names them with their hosts: `web-1 on n1, web-2 on no node`. */
export function placesOf(tasks: readonly TaskView[]): string {
  return tasks.map(task => `${task.name} on ${task.node ?? 'no node'}`).join(', ')
}
