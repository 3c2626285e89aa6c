import { expect, it } from 'vitest'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { watchWork } from '../../src/main/daemon/spare-memory.ts'

function watched() {
  const clock = new ManualClock()
  const seen = { usedMs: 600, given: 0 }
  const giveBack = (): void => {
    seen.given++
    seen.usedMs += 40
  }
  const stop = watchWork({ clock, usedMs: () => seen.usedMs, giveBack })
  const pass = async (seconds: number, workMs: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      seen.usedMs += workMs
      await clock.advance(1_000)
    }
  }
  return { seen, pass, stop }
}

it('gives back once what the start has left', async () => {
  const { seen, pass } = watched()
  await pass(100, 0)
  expect(seen.given).toBe(1)
})

it('gives back when work is over, and not while it goes on', async () => {
  const { seen, pass } = watched()
  await pass(1, 0)
  await pass(20, 300)
  expect(seen.given).toBe(1)
  await pass(100, 0)
  expect(seen.given).toBe(2)
})

it('lets little work add up before it is worth it', async () => {
  const { seen, pass } = watched()
  await pass(1, 0)
  await pass(40, 10)
  expect(seen.given).toBe(1)
  await pass(20, 10)
  expect(seen.given).toBe(2)
})

it('stops when it is told', async () => {
  const { seen, pass, stop } = watched()
  stop()
  await pass(10, 0)
  expect(seen.given).toBe(0)
})
