import { expect, it } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { keepLease } from '../../src/discovery/lease-keeper.ts'

/** A clock whose process may be stopped for a while: time goes on, and no timer fires. */
function stoppable(): { readonly clock: Clock; readonly manual: ManualClock; readonly stop: (ms: number) => void } {
  const manual = new ManualClock()
  let stoppedMs = 0
  const clock: Clock = {
    nowMs: () => manual.nowMs(),
    nowMicros: () => manual.nowMicros(),
    setTimer: (delayMs, run) => manual.setTimer(delayMs, run),
    monotonicMs: () => manual.monotonicMs() + stoppedMs,
  }
  return { clock, manual, stop: ms => void (stoppedMs += ms) }
}

const calls = { renew: async () => true, revoke: async () => {} }

it('is current as long as it is renewed, and not after it was given back', async () => {
  const { clock, manual } = stoppable()
  const lease = keepLease({ id: '1', ttlMs: 3_000, askedMs: 0 }, calls, clock)
  await manual.advance(60_000)
  expect(lease.isCurrent()).toBe(true)
  await lease.revoke()
  expect(lease.isCurrent()).toBe(false)
})

it('is not current right after a pause, before the timer that says it is lost had its turn', () => {
  const { clock, stop } = stoppable()
  const lease = keepLease({ id: '1', ttlMs: 3_000, askedMs: 0 }, calls, clock)
  stop(2_999)
  expect(lease.isCurrent()).toBe(true)
  stop(1)
  expect([lease.isCurrent(), lease.lost.aborted]).toEqual([false, false])
})

it('is renewed as often as it is asked to be, and at least every third of its time', async () => {
  const renewals = async (renewMs: number): Promise<number> => {
    const { clock, manual } = stoppable()
    let count = 0
    const counted = { ...calls, renew: async () => ++count > 0 }
    keepLease({ id: '1', ttlMs: 30_000, askedMs: manual.monotonicMs(), renewMs }, counted, clock)
    await manual.advance(60_000)
    return count
  }
  expect([await renewals(1_000), await renewals(20_000)]).toEqual([60, 6])
})
