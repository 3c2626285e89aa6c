import { describe, expect, it } from 'vitest'
import { awakeClock } from '../../src/core/awake-clock.ts'
import { systemClock } from '../../src/core/clock.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'

describe('awakeClock()', () => {
  it('fires in time where the process runs', async () => {
    const clock = new ManualClock()
    const fired: number[] = []
    for (const delayMs of [0, 30, 1_000, 86_400_000]) {
      awakeClock(clock).setTimer(delayMs, () => fired.push(clock.monotonicMs()))
    }
    await clock.advance(86_400_000)
    expect(fired).toEqual([0, 30, 1_000, 86_400_000])
  })

  it('counts a turn that came late once, and lets the loop read before it fires', () => {
    const late: (() => void)[] = []
    const suspended = { ...systemClock, setTimer: (_ms: number, run: () => void) => (late.push(run), NEVER) }
    let hasFired = false
    awakeClock(suspended).setTimer(20_000, () => {
      hasFired = true
    })
    for (let turn = 0; turn < 80; turn++) late.shift()?.()
    expect({ hasFired, waiting: late.length }).toEqual({ hasFired: false, waiting: 1 })
    late.shift()?.()
    expect({ hasFired, waiting: late.length }).toEqual({ hasFired: true, waiting: 0 })
  })

  it('wakes nobody often for a long timer', async () => {
    const clock = new ManualClock()
    awakeClock(clock).setTimer(86_400_000, () => {})
    let turns = 0
    while (clock.step()) turns++
    expect(turns).toBeLessThan(100)
  })

  it('cancels in any turn', async () => {
    const clock = new ManualClock()
    let hasFired = false
    const timer = awakeClock(clock).setTimer(1_000, () => {
      hasFired = true
    })
    await clock.advance(700)
    timer.cancel()
    await clock.advance(10_000)
    expect(hasFired).toBe(false)
  })
})

const NEVER = { cancel: () => {} }
