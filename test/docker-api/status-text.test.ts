import { expect, it } from 'vitest'
import { type ShownState, statusText, statusUntilMs } from '../../src/docker-api/index.ts'
import { fc } from '../support/property.ts'

const AT = '2023-11-14T22:13:20.250Z'
const MINUTE_MS = 60_000
const state = (Status: ShownState['Status']): ShownState => ({
  Status,
  StartedAt: Status === 'running' || Status === 'paused' ? AT : 'never',
  FinishedAt: Status === 'running' || Status === 'paused' ? 'never' : AT,
  ExitCode: 3,
})

it('a status reads the same until it is said to read otherwise', () => {
  const status = fc.constantFrom('running', 'paused', 'restarting', 'exited', 'created', 'dead', 'removing' as const)
  const ageMs = fc.oneof(fc.integer({ min: -5_000, max: 200 * MINUTE_MS }), fc.integer({ min: 0, max: 2 ** 40 }))
  fc.assert(
    fc.property(status, ageMs, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (Status, age, share) => {
      const shown = state(Status)
      const nowMs = Date.parse(AT) + age
      const untilMs = statusUntilMs(shown, nowMs)
      expect(untilMs).toBeGreaterThan(nowMs)
      const laterMs = nowMs + Math.floor(Math.min(untilMs - nowMs, 2 ** 40) * share)
      expect(statusText(shown, laterMs)).toBe(statusText(shown, nowMs))
    }),
  )
})

it.each([
  [500, 'Up Less than a second', 1_000],
  [59_999, 'Up 59 seconds', 60_000],
  [61_000, 'Up About a minute', 2 * MINUTE_MS],
  [59.5 * MINUTE_MS, 'Up 59 minutes', 60 * MINUTE_MS],
  [80 * MINUTE_MS, 'Up About an hour', 90 * MINUTE_MS],
])('after %d ms it is %j, until %d ms have passed', (age, text, until) => {
  const startedMs = Date.parse(AT)
  expect(statusText(state('running'), startedMs + age)).toBe(text)
  expect(statusUntilMs(state('running'), startedMs + age)).toBe(startedMs + until)
})
