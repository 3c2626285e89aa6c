import { expect, it } from 'vitest'
import { parseMoment } from '../../src/core/moment.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)

it.each([
  ['1767323045', 1_767_323_045_000],
  ['1767323045.25', 1_767_323_045_250],
  ['10m', NOW - 600_000],
  ['1h30m', NOW - 5_400_000],
  ['2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1)],
  ['2026-01-01T02:00:00.5+02:00', Date.UTC(2026, 0, 1) + 500],
  ['2026-01-01T00:00:00.123456789Z', Date.UTC(2026, 0, 1) + 123],
  ['2026-01-01T05', new Date(2026, 0, 1, 5).getTime()],
  ['2026-01-01', new Date(2026, 0, 1).getTime()],
])('reads %s', (text, ms) => {
  expect(parseMoment(text, NOW)).toBe(ms)
})

it.each(['', 'x', 'yesterday', '2026-13-45', '-5', '10'.repeat(3) + 'x'])('refuses "%s"', text => {
  expect(() => parseMoment(text, NOW)).toThrow(`failed to parse value as time or duration: "${text}"`)
})
