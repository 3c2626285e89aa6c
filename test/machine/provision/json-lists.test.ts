import fc from 'fast-check'
import { expect, it } from 'vitest'
import { addToList, takeFromList } from '../../../src/machine/provision/steps/json-lists.ts'

const both = (text: string, words: readonly string[]): readonly [string, string] => {
  const added = addToList(text, 'labels', words)
  return [added, takeFromList(added, 'labels', words)]
}

it.each([
  ['{}', '{\n  "labels": ["a=b"]\n}'],
  ['{"debug":true}', '{"debug":true, "labels": ["a=b"]}'],
  ['{\n\t"debug": true\n}\n', '{\n\t"debug": true,\n\t"labels": ["a=b"]\n}\n'],
  ['{"labels":["x=y"]}', '{"labels":["x=y", "a=b"]}'],
  [
    '{ "labels": [\n    "x=y",\n    "z=\\"]}"\n  ], "n": 1.0 }',
    '{ "labels": [\n    "x=y",\n    "z=\\"]}",\n    "a=b"\n  ], "n": 1.0 }',
  ],
  [
    '{"a":{"labels":["q"]},"n":12345678901234567890}',
    '{"a":{"labels":["q"]},"n":12345678901234567890,"labels": ["a=b"]}',
  ],
])('adds to %j and takes out again, with all else as it was', (text, added) => {
  expect(both(text, ['a=b'])).toEqual([added, text])
})

it('adds to a list that is empty, and takes that away with its last word', () => {
  expect(both('{"labels": [ ], "debug": true}', ['a=b', 'c=d'])).toEqual([
    '{"labels": ["a=b", "c=d"], "debug": true}',
    '{"debug": true}',
  ])
})

it('takes out only what is there, wherever it stands', () => {
  expect(takeFromList('{"labels": ["a", "b", "c"]}', 'labels', ['a', 'no'])).toBe('{"labels": ["b", "c"]}')
  expect(takeFromList('{"labels": "a"}', 'labels', ['a'])).toBe('{"labels": "a"}')
  expect(takeFromList('{"other": ["a"]}', 'labels', ['a'])).toBe('{"other": ["a"]}')
})

it('keeps whatever else an object has', () => {
  const objects = fc.dictionary(fc.string(), fc.jsonValue())
  fc.assert(
    fc.property(
      objects,
      fc.uniqueArray(fc.string(), { minLength: 1 }),
      fc.constantFrom(0, 1, 4),
      (object, words, indent) => {
        const { labels: _labels, ...rest } = JSON.parse(JSON.stringify(object)) as Record<string, unknown>
        const text = JSON.stringify(rest, undefined, indent)
        const [added, taken] = both(text, words)
        expect(JSON.parse(added)).toEqual({ ...rest, labels: words })
        expect(taken).toBe(text)
      },
    ),
  )
})
