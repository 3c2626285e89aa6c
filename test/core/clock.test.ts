import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock, toMicros } from '../../src/core/clock.ts'

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

it.each([
  ['where both clocks agree', 1_000, 1_000.4567, 1_000_456],
  ['where the finer one is behind', 1_000, 999.7, 1_000_000],
  ['where the finer one is ahead', 1_000, 1_001.2, 1_000_999],
  ['after the wall clock was set', 90_000, 1_000.25, 90_000_250],
])('knows microseconds %s', (_title, wallMs, countedMs, micros) => expect(toMicros(wallMs, countedMs)).toBe(micros))
