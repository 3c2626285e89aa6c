import { describe, expect, it } from 'vitest'
import { expandText, expandWord, expandWords } from '../../../../src/runtime/build/dockerfile/expand.ts'
import { jsonForm, splitWords } from '../../../../src/runtime/build/dockerfile/words.ts'
import { fc } from '../../../support/property.ts'

const variables: Readonly<Record<string, string>> = { A: 'one', EMPTY: '', B_2: 'two', P: '/a/b/c.tar.gz', L: '80 81' }
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
    ['${A:?why}', 'one'],
    ['${MISSING:-${A}}', 'one'],
    ['${P#*/}', 'a/b/c.tar.gz'],
    ['${P##*/}', 'c.tar.gz'],
    ['${P%.*}', '/a/b/c.tar'],
    ['${P%%.*}', '/a/b/c'],
    ['${P%x}', '/a/b/c.tar.gz'],
    ['${P/\\//_}', '_a/b/c.tar.gz'],
    ['${P//[b]/x}', '/a/b/c.tar.gz'],
    ['${P//?ar/zip}', '/a/b/c.zip.gz'],
    ['${A/o/$B_2}', 'twone'],
    ['\\$A', '$A'],
    ["'$A'", '$A'],
    ['"$A b"', 'one b'],
    ['"it\'s $A"', "it's one"],
    ['"\\"q\\""', '"q"'],
    ['"\\n"', '\\n'],
    ['$', '$'],
    ['100$', '100$'],
    ['$1$?', ''],
  ])('%s -> %s', (word, expected) => expect(expandWord(word, rules)).toBe(expected))

  it.each([
    ['${A', "syntax error: missing '}'"],
    ['${}', 'syntax error: bad substitution'],
    ['${MISSING:?say it}', 'MISSING: say it'],
    ['${MISSING?}', 'MISSING: is not allowed to be unset'],
    ['${A^x}', 'unsupported modifier (^) in substitution'],
    ["'a", 'unexpected end of statement while looking for matching single-quote'],
    ['"a', 'unexpected end of statement while looking for matching double-quote'],
  ])('%s is refused', (word, message) => {
    expect(() => expandWord(word, rules)).toThrow(`failed to process ${JSON.stringify(word)}: ${message}`)
  })

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

  it('never fails but by a refusal, whatever is written', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[$A{}:\-+?#%/*\\'" ]*$/), word => {
        try {
          return typeof expandWord(word, rules) === 'string'
        } catch (error) {
          return error instanceof Error && error.message.startsWith('failed to process')
        }
      }),
    )
  })

  it('is done with a pattern that would keep a regular expression busy for ever', () => {
    const long = { ...rules, lookup: () => 'a'.repeat(1_000) }
    expect(expandWord(`\${X##${'*a'.repeat(100)}b}`, long)).toHaveLength(1_000)
    const longer = { ...rules, lookup: () => 'a'.repeat(10_000) }
    expect(() => expandWord('${X##*b}', longer)).toThrow('too long for a pattern')
  })

  it('brings several words, or none', () => {
    expect([expandWords('$L', rules), expandWords('$MISSING', rules)]).toEqual([['80', '81'], []])
  })

  it('keeps the quotes of a text', () => {
    expect(expandText('it\'s "$A" \\$A ${MISSING:-x} \\n', rules)).toBe('it\'s "one" $A x \\n')
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
    ["['a']", undefined],
    ['echo "[x]"', undefined],
  ])('%s', (text, expected) => expect(jsonForm(text)).toEqual(expected))
})
