import { expect, it } from 'vitest'
import { Pacer } from '../../src/core/pacer.ts'

it('gives others their turn now and then, sooner after heavy steps', async () => {
  const turns: number[] = []
  let step = 0
  const others = (): void => {
    turns.push(step)
    if (step < 1_000) setImmediate(others)
  }
  setImmediate(others)
  const pacer = new Pacer()
  for (; step < 1_000; step++) await pacer.step(step < 500 ? 1 : 64)
  expect(turns.filter(turn => turn < 500).length).toBeGreaterThanOrEqual(5)
  expect(turns.filter(turn => turn < 500).length).toBeLessThan(20)
  expect(turns.filter(turn => turn >= 500).length).toBeGreaterThan(400)
})
