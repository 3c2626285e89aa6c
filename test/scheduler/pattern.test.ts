import { describe, expect, it } from 'vitest'
import { compileGlob, compilePattern } from '../../src/scheduler/pattern.ts'
import { fc } from '../support/property.ts'

describe('expressions', () => {
  it.each([
    ['web', 'my-web-1', true],
    ['^web', 'my-web-1', false],
    ['^web[0-9]+$', 'web12', true],
    ['^web[0-9]+$', 'web', false],
    ['(a|b)c', 'xbc', true],
    ['^(?:a|)$', '', true],
    ['a.c', 'abc', true],
    ['a\\.c', 'abc', false],
    ['[^a-c]', 'abc', false],
    ['[^a-c]', 'abd', true],
    ['[a-]', '-', true],
    ['[]a]', ']', true],
    ['\\d\\w\\s', '1a ', true],
    ['(?i)WEB', 'web', true],
    ['(?i)[A-F]+$', 'beef', true],
    ['x*', '', true],
    ['$', 'anything', true],
  ])('/%s/ on "%s": %s', (pattern, text, found) => {
    expect(compilePattern(pattern)(text)).toBe(found)
  })

  it.each([
    '(',
    'a)',
    '[a',
    '*',
    'a|+',
    '(?=a)',
    '\\q',
    'a\\',
    'a**',
    'a+*',
    'a*??',
    '('.repeat(1_000),
    'a'.repeat(2_000),
  ])('refuses %s', pattern => {
    expect(() => compilePattern(pattern)).toThrow(expect.objectContaining({ code: 'BAD_CONSTRAINT' }))
  })

  it('takes as few as possible for as many as possible: both are a match', () => {
    expect(compilePattern('^a*?b??$')('aaab')).toBe(true)
    expect(compilePattern('^a+?$')('b')).toBe(false)
  })

  it('reads what is absurd without falling over it', () => {
    const deep = `${'('.repeat(400)}a${')'.repeat(400)}`
    expect(compilePattern(`^${deep}$`)('a')).toBe(true)
    const starred = `${'('.repeat(300)}a${')*'.repeat(300)}`
    expect(compilePattern(`^${starred}$`)('a'.repeat(500))).toBe(true)
    expect(compilePattern('(a?)'.repeat(250))('b'.repeat(5_000))).toBe(true)
    expect(compilePattern(`^${'a?'.repeat(500)}${'a'.repeat(20)}$`)('a'.repeat(400))).toBe(true)
  })

  it('takes linear time where backtracking would never end', () => {
    const text = `${'a'.repeat(2_000)}!`
    expect(compilePattern('^(a+)+$')(text)).toBe(false)
    expect(compilePattern('^(a|a)*$')(text)).toBe(false)
    expect(compilePattern('^((a*)*)*$')('a'.repeat(2_000))).toBe(true)
  })

  const leaf = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '^', '$', '\\w')
  const { pattern } = fc.letrec<{ pattern: string }>(tie => ({
    pattern: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => a + b),
      fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(${a}|${b})`),
      fc.tuple(tie('pattern'), fc.constantFrom('*', '+', '?')).map(([a, sign]) => `(${a})${sign}`),
    ),
  }))
  it('agrees with the language’s own expressions', () => {
    fc.assert(
      fc.property(pattern, fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 }), (source, text) => {
        expect(compilePattern(source)(text)).toBe(new RegExp(source).test(text))
      }),
      { numRuns: 500 },
    )
  })
})

it('globs match the whole value', () => {
  expect(compileGlob('us*')('us-east')).toBe(true)
  expect(compileGlob('us*')('aus')).toBe(false)
  expect(compileGlob('*st')('us-east')).toBe(true)
  expect(compileGlob('us-e.st')('us-east')).toBe(true)
})
