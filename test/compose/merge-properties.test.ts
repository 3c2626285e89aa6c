import { expect, it } from 'vitest'
import { merge } from '../../src/compose/merge/merge.ts'
import { enforceUnicity } from '../../src/compose/merge/unicity.ts'
import { fc } from '../support/property.ts'

const word = fc.constantFrom('a', 'b', 'c')
const scalar = fc.oneof(word, fc.integer({ min: 0, max: 9 }), fc.constant(null))
const words = fc.array(word, { maxLength: 3 })
const setting = fc.tuple(word, word).map(([key, value]) => `${key}=${value}`)
const settings = fc.oneof(
  fc.array(fc.oneof(setting, word), { maxLength: 3 }),
  fc.dictionary(word, fc.oneof(word, fc.constant(null))),
)

/** A service of the attributes whose merging the specification makes a matter of order alone. */
const service = fc.record(
  {
    image: word,
    hostname: scalar,
    cap_add: words,
    command: fc.oneof(words, word, fc.constant(null)),
    dns: fc.oneof(word, words),
    environment: settings,
    labels: settings,
    group_add: words,
    healthcheck: fc.record({ test: fc.oneof(words, fc.constant(null)), retries: scalar }, { requiredKeys: [] }),
    networks: fc.oneof(words, fc.dictionary(word, fc.constant(null))),
    ulimits: fc.dictionary(word, fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant({ soft: 1, hard: 2 }))),
    volumes: fc.array(
      fc.tuple(word, word).map(([source, target]) => `${source}:/${target}`),
      { maxLength: 3 },
    ),
    deploy: fc.record({ replicas: scalar, labels: settings }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
)

const file = fc.record({ services: fc.dictionary(word, fc.oneof(service, fc.constant(null))) }, { requiredKeys: [] })

/** As the loader does: over what is there, then of equal entries the last. */
function over(base: unknown, next: unknown): unknown {
  return enforceUnicity(merge(base, next))
}

it('putting files one over the other may begin at either end', () => {
  fc.assert(
    fc.property(file, file, file, (a, b, c) => {
      expect(over(over(a, b), c)).toEqual(over(a, over(b, c)))
    }),
  )
})

it('an empty file changes nothing, above or below', () => {
  fc.assert(
    fc.property(file, some => {
      expect(over(some, {})).toEqual(enforceUnicity(some))
      expect(over({}, some)).toEqual(enforceUnicity(some))
    }),
  )
})

it('neither file is changed by merging', () => {
  fc.assert(
    fc.property(file, file, (a, b) => {
      const before = JSON.stringify([a, b])
      over(a, b)
      expect(JSON.stringify([a, b])).toBe(before)
    }),
  )
})
