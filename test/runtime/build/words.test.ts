import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expandWord, jsonForm, splitWords } from '../../../src/runtime/build/words.ts'

const variables: Readonly<Record<string, string>> = { A: 'one', EMPTY: '', B_2: 'two' }
const rules = { escape: '\\', lookup: (name: string) => variables[name] }

describe('expandWord', () => {
  it.each([
    ['$A', 'one'],
    ['${A}x', 'onex'],
    ['$A-$B_2', 'one-two'],
    ['$MISSING.', '.'],
    ['${MISSING:-x}', 'x'],
    ['${EMPTY:-x}', 'x'],
    ['${EMPTY-x}', ''],
    ['${MISSING-x}', 'x'],
    ['${A:+y}', 'y'],
    ['${EMPTY:+y}', ''],
    ['${EMPTY+y}', 'y'],
    ['${MISSING:-${A}}', 'one'],
    ['\\$A', '$A'],
    ["'$A'", '$A'],
    ['"$A b"', 'one b'],
    ['"it\'s $A"', "it's one"],
    ['"\\"q\\""', '"q"'],
    ['"\\n"', '\\n'],
    ['$', '$'],
    ['100$', '100$'],
  ])('%s -> %s', (word, expected) => expect(expandWord(word, rules)).toBe(expected))

  it('leaves words without anything special as they are', () => {
    fc.assert(fc.property(fc.stringMatching(/^[a-zA-Z0-9_/.:=-]*$/), word => expandWord(word, rules) === word))
  })

  it('gives back what stands in single quotes', () => {
    fc.assert(
      fc.property(
        fc.string().filter(text => !text.includes("'")),
        text => expandWord(`'${text}'`, rules) === text,
      ),
    )
  })
})

describe('splitWords', () => {
  it.each([
    ['a b  c', ['a', 'b', 'c']],
    ['a="b c" d', ['a="b c"', 'd']],
    ['a=b\\ c d', ['a=b\\ c', 'd']],
    ["x='a b' y", ["x='a b'", 'y']],
    ['', []],
  ])('%s', (text, expected) => expect(splitWords(text, '\\')).toEqual(expected))
})

describe('jsonForm', () => {
  it.each([
    ['["a", "b c"]', ['a', 'b c']],
    ['[]', []],
    ['["a", 1]', undefined],
    ["['a']", undefined],
    ['echo "[x]"', undefined],
  ])('%s', (text, expected) => expect(jsonForm(text)).toEqual(expected))
})
