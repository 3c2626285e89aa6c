import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { pruneBuildCache, selectSteps } from '../../../src/runtime/build/prune.ts'

const step = (key: string, madeMs: number, size?: number) =>
  size === undefined
    ? { key, madeMs }
    : { key, madeMs, layer: { diffId: key, digest: key, size, mediaType: 'application/x' } }

describe('selectSteps', () => {
  const steps = [step('a', 1, 10), step('b', 2), step('c', 3, 20), step('d', 4, 5)]
  it.each([
    [{ keepBytes: 0, untilMs: Number.POSITIVE_INFINITY }, 'abcd'],
    [{ keepBytes: 0, untilMs: 3 }, 'ab'],
    [{ keepBytes: 5, untilMs: Number.POSITIVE_INFINITY }, 'abc'],
    [{ keepBytes: 25, untilMs: Number.POSITIVE_INFINITY }, 'a'],
    [{ keepBytes: 24, untilMs: 3 }, 'ab'],
    [{ keepBytes: 100, untilMs: 3 }, ''],
  ])('%j', (wanted, keys) =>
    expect(
      selectSteps(steps, wanted)
        .map(({ key }) => key)
        .join(''),
    ).toBe(keys),
  )
})

it.each([
  [{ type: ['regular'] }, 501, 'The filter type is not done here'],
  [{ until: ['soon'] }, 400, 'soon'],
  [{ colour: ['red'] }, 400, "Invalid filter 'colour'"],
])('%j is refused', async (filters, status, message) => {
  const parts = { clock: new ManualClock(), running: new Set<string>() }
  const pruning = pruneBuildCache(parts as never, { filters })
  await expect(pruning).rejects.toMatchObject({ status, message: expect.stringContaining(message) as string })
})
