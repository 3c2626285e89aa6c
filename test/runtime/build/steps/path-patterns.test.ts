import { describe, expect, it } from 'vitest'
import { ignoreRules, pathPattern } from '../../../../src/runtime/build/steps/path-patterns.ts'

describe('pathPattern', () => {
  it.each([
    ['*.go', 'a.go', true],
    ['*.go', 'b/a.go', false],
    ['**/*.go', 'a.go', true],
    ['**/*.go', 'b/c/a.go', true],
    ['a/**', 'a/b/c', true],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z', true],
    ['a/**/z', 'ab/z', false],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['[ab].txt', 'b.txt', true],
    ['[^ab].txt', 'b.txt', false],
    ['[a-c]x', 'bx', true],
    ['[]]x', ']x', true],
    ['[a', 'a', false],
    ['a.b', 'axb', false],
    ['\\*', '*', true],
    ['a[[]b', 'a[b', true],
    ['(x)+', '(x)+', true],
    ['é?', 'éü', true],
  ])('%s matches %s: %s', (pattern, path, matches) => expect(pathPattern(pattern)(path)).toBe(matches))

  it('is done with a pattern that would keep a regular expression busy for ever', () => {
    expect(pathPattern(`${'*a'.repeat(60)}b`)('a'.repeat(250))).toBe(false)
    expect(pathPattern(`${'**/'.repeat(60)}b`)('a/'.repeat(250))).toBe(false)
  })
})

describe('ignoreRules', () => {
  const ignored = ignoreRules(
    ['# comment', 'node_modules', '/build/', '*.log', '!keep.log', 'docs/**', '!docs/a/README.md', ''].join('\n'),
  )
  it.each([
    ['node_modules/a/b.js', true],
    ['src/node_modules', false],
    ['build/x', true],
    ['a.log', true],
    ['keep.log', false],
    ['sub/a.log', false],
    ['docs/a/b.md', true],
    ['docs/a/README.md', false],
    ['src/main.ts', false],
  ])('%s: %s', (path, expected) => expect(ignored(path)).toBe(expected))

  it('leaves nothing out without rules', () => expect(ignoreRules('')('anything')).toBe(false))
})
