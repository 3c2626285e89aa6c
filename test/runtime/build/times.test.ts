import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { buildTimes } from '../../../src/runtime/build/times.ts'

describe('buildTimes', () => {
  const inputs = { newestSeconds: 1_000, begunMs: 2_000_500 }

  it('gives what the build makes the time of its newest input, and images the time of day', () => {
    const clock = new ManualClock()
    const times = buildTimes({}, inputs, clock)
    expect(times.files).toEqual({ mtimeMaxSeconds: 1_000, mtimeFromSeconds: 2_000 })
    expect([times.madeMs(), times.epochSeconds]).toEqual([clock.nowMs(), undefined])
  })

  it('counts files as made by the build whose time is that of the tick before it began', () => {
    const begun = (begunMs: number): number | undefined =>
      buildTimes({}, { ...inputs, begunMs }, new ManualClock()).files.mtimeFromSeconds
    expect([begun(2_000_000), begun(2_000_019), begun(2_000_020)]).toEqual([1_999, 1_999, 2_000])
  })

  it('obeys SOURCE_DATE_EPOCH in everything', () => {
    const times = buildTimes({ SOURCE_DATE_EPOCH: '42' }, inputs, new ManualClock())
    expect(times).toMatchObject({ epochSeconds: 42, files: { mtimeMaxSeconds: 42, mtimeFromSeconds: 0 } })
    expect(times.madeMs()).toBe(42_000)
  })

  it.each(['-1', '1.5', 'now', '999999999999'])('refuses the epoch %s', epoch => {
    expect(() => buildTimes({ SOURCE_DATE_EPOCH: epoch }, inputs, new ManualClock())).toThrow('SOURCE_DATE_EPOCH')
  })
})
