import { expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { paceOf, tellPace } from '../../src/main/daemon/host-pace.ts'

it('is one on every ordinary host, whatever has to be compiled at the start', () => {
  for (const startMs of [0, 160, 1_090, 3_900]) expect(paceOf(startMs)).toBe(1)
})

it('is the same for starts that take nearly the same', () => {
  expect([4_000, 5_500, 9_900].map(paceOf)).toEqual([4, 4, 4])
})

it('grows so far that a silent host may still be missed', () => {
  expect([10_000, 30_000, 500_000].map(paceOf)).toEqual([12, 12, 12])
})

it('is told where it is not one, with what comes of it', () => {
  const told: object[] = []
  const log = { ...silentLog, info: (fields: object) => void told.push(fields) }
  tellPace(1, { ttlMs: 5_000 }, log)
  tellPace(12, { ttlMs: 60_000 }, log)
  expect(told).toEqual([{ pace: 12, ttlMs: 60_000 }])
})
