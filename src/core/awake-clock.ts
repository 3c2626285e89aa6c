import type { Clock, Timer } from './clock.ts'

/** Of so many turns a timer is made, each of at least so long: a short one is exact, and a long one wakes us seldom. */
const TURNS = 80
const TURN_MS_MIN = 50

/**
 * A clock whose timers count only while this process runs: for how long others may keep us waiting. On a machine that was suspended, or
 * that is so busy that we hardly run, an answer may lie unread in a socket, and the event loop fires timers before it reads. So a turn
 * of a timer that is late counts no more than one in time, and before the timer fires the loop reads once more.
 */
export function awakeClock(clock: Clock): Clock {
  return {
    nowMs: () => clock.nowMs(),
    nowMicros: () => clock.nowMicros(),
    monotonicMs: () => clock.monotonicMs(),
    setTimer(delayMs, run) {
      let turn: Timer | undefined
      const longestMs = Math.max(TURN_MS_MIN, delayMs / TURNS)
      const arm = (leftMs: number): void => {
        const turnMs = Math.min(leftMs, longestMs)
        turn = clock.setTimer(turnMs, turnMs > 0 ? () => arm(leftMs - turnMs) : run)
      }
      arm(Math.max(0, delayMs))
      return { cancel: () => turn?.cancel() }
    },
  }
}
