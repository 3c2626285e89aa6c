import { expect, it } from 'vitest'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { watchWork } from '../../src/main/daemon/spare-memory.ts'

function watched() {
  const clock = new ManualClock()
  const seen = { usedMs: 100, given: 0 }
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

type Stretch = readonly [seconds: number, workMs: number]

it.each<{ readonly what: string; readonly stretches: readonly Stretch[]; readonly given: number }>([
  { what: 'once what the start has left', stretches: [[100, 0]], given: 1 },
  {
    what: 'nothing more while work goes on',
    stretches: [
      [1, 0],
      [20, 300],
    ],
    given: 1,
  },
  {
    what: 'again when work is over',
    stretches: [
      [1, 0],
      [20, 300],
      [100, 0],
    ],
    given: 2,
  },
  {
    what: 'nothing for little work',
    stretches: [
      [1, 0],
      [40, 10],
    ],
    given: 1,
  },
  {
    what: 'again when little work has added up',
    stretches: [
      [1, 0],
      [60, 10],
    ],
    given: 2,
  },
])('gives back $what', async ({ stretches, given }) => {
  const { seen, pass } = watched()
  for (const stretch of stretches) await pass(...stretch)
  expect(seen.given).toBe(given)
})

it('stops when it is told', async () => {
  const { seen, pass, stop } = watched()
  stop()
  await pass(10, 0)
  expect(seen.given).toBe(0)
})
