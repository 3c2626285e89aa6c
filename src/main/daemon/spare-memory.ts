import type { Clock } from '../../core/clock.ts'
import type { Scope } from '../../core/scope.ts'
import { giveBackMemory } from '../../runtime/linux/process/own-memory.ts'
import { processorMs } from './processor-time.ts'

const ROUND_MS = 1_000
/** Less work in a round than this is none. */
const CALM_MS = 20
/** So much work leaves enough behind to be worth the time that giving it back takes. */
const WORK_MS = 500

export interface MemoryPorts {
  readonly clock: Clock
  /** Milliseconds of processor time that this process has used. */
  readonly usedMs: () => number
  readonly giveBack: () => void
}

/**
 * Gives back memory whenever work has come and is over: an idle daemon is to be small, and V8 by itself waits for more work
 * before it looks for garbage.
 */
export function spareMemory(scope: Scope, clock: Clock): void {
  scope.defer(watchWork({ clock, usedMs: processorMs, giveBack: giveBackMemory }))
}

/** Returns how to stop it. */
export function watchWork({ clock, usedMs, giveBack }: MemoryPorts): () => void {
  // However little the start took, it is worth it: what only a start needs is most of what there is then.
  let [cleanAtMs, beforeMs] = [-WORK_MS, usedMs()]
  const round = (): void => {
    const nowMs = usedMs()
    const isCalm = nowMs - beforeMs < CALM_MS
    if (isCalm && nowMs - cleanAtMs >= WORK_MS) {
      giveBack()
      cleanAtMs = usedMs()
    }
    beforeMs = usedMs()
    timer = clock.setTimer(ROUND_MS, round)
  }
  let timer = clock.setTimer(ROUND_MS, round)
  return () => timer.cancel()
}
