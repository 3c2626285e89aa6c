import { describe, expect, it } from 'vitest'
import { ignoreRules, patternExpression } from '../../../src/runtime/build/path-patterns.ts'

describe('patternExpression', () => {
  it.each([
    ['*.go', 'a.go', true],
    ['*.go', 'b/a.go', false],
    ['**/*.go', 'a.go', true],
    ['**/*.go', 'b/c/a.go', true],
    ['a/**', 'a/b/c', true],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['[ab].txt', 'b.txt', true],
    ['[^ab].txt', 'b.txt', false],
    ['a.b', 'axb', false],
    ['\\*', '*', true],
    ['(x)+', '(x)+', true],
  ])('%s matches %s: %s', (pattern, path, matches) => expect(patternExpression(pattern).test(path)).toBe(matches))
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
