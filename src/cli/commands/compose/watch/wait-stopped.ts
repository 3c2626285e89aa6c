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

/** Waits until containers have stopped, and tells which are stopping. Throws what `onTimeout` makes of those that are late. */
export async function waitStopped({ left, timeoutMs, onTimeout, clock, signal, progress }: StopWait): Promise<void> {
  const deadline = clock.monotonicMs() + timeoutMs
  for (;;) {
    const tasks = await left()
    if (tasks === undefined) return
    for (const task of tasks) progress?.tell(`Container ${task.name}`, 'Stopping')
    if (clock.monotonicMs() >= deadline) throw onTimeout(tasks)
    await sleep(clock, POLL_MS, signal)
  }
}

/** Names them with their hosts: `web-1 on n1, web-2 on no node`. */
export function placesOf(tasks: readonly TaskView[]): string {
  return tasks.map(task => `${task.name} on ${task.node ?? 'no node'}`).join(', ')
}
