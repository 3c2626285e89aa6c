import { expect, it } from 'vitest'
import { paceOf } from '../../src/main/daemon/host-pace.ts'

it('is one on every ordinary host', () => {
  expect(paceOf(0)).toBe(1)
  expect(paceOf(950)).toBe(1)
})

it('grows with what a start takes, so far as a silent host may still be missed', () => {
  expect(paceOf(4_000)).toBe(4)
  expect(paceOf(500_000)).toBe(12)
})
