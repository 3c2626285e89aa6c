import { expect, it } from 'vitest'
import { fuzzOne } from './fuzz.ts'

const BATCHES = 15
const INPUTS = 100

// `node test/compose/fuzz/main.ts 1000000` goes on where this ends.
it.each(Array.from({ length: BATCHES }, (_, batch) => batch * INPUTS))(
  `takes ${INPUTS} broken projects from %i on without anything but an error for a person`,
  first => {
    const seeds = Array.from({ length: INPUTS }, (_, offset) => first + offset)
    expect(seeds.flatMap(seed => fuzzOne(seed) ?? [])).toEqual([])
  },
)
