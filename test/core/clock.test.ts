import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'

const DAY_MS = 24 * 60 * 60 * 1_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('keeps a timer that is longer than Node can count', () => {
  let fired = 0
  systemClock.setTimer(60 * DAY_MS, () => fired++)
  vi.advanceTimersByTime(59 * DAY_MS)
  expect(fired).toBe(0)
  vi.advanceTimersByTime(DAY_MS)
  expect(fired).toBe(1)
})

it('cancels such a timer in any of its turns', () => {
  let fired = 0
  const timer = systemClock.setTimer(60 * DAY_MS, () => fired++)
  vi.advanceTimersByTime(30 * DAY_MS)
  timer.cancel()
  vi.advanceTimersByTime(60 * DAY_MS)
  expect(fired).toBe(0)
})
