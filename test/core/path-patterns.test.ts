import { describe, expect, it } from 'vitest'
import { ignoreRules, namePattern, pathPattern } from '../../src/core/path-patterns.ts'

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
    ['**.go', 'x/a.go', true],
    ['**.g?', 'a.go', false],
    ['**.g?', 'x/.go', true],
    ['a**b', 'ab', true],
    ['a**b', 'axb', false],
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

it.each([
  ['*.go', 'a.go', true],
  ['**.go', 'a.go', true],
  ['a\\*', 'a*', true],
  ['a\\', 'a\\', false],
])('the name %s matches %s: %s', (pattern, name, matches) => expect(namePattern(pattern)(name)).toBe(matches))

describe('ignoreRules', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['node_modules', ['node_modules', 'node_modules/a/b'], ['src/node_modules', 'node_modules2']],
    ['*.md\n!README.md', ['a.md'], ['README.md', 'docs/a.md']],
    ['*.log\n!keep.log\nkeep.log', ['keep.log'], ['sub/a.log']],
    ['**/*.log', ['a.log', 'x/y/a.log'], ['a.logs']],
    ['**/tmp', ['tmp', 'x/tmp/f'], ['tmp2']],
    ['/build/', ['build', 'build/x'], ['src/build']],
    ['./a/../b//c/', ['b/c'], ['a', 'b']],
    ['# comment\n\n  temp?  ', ['temp1'], ['temp', 'temp12', '# comment']],
    [' # not one', ['# not one'], []],
    ['docs/**\n!docs/keep/**', ['docs/a', 'docs/b/c'], ['docs/keep/x']],
    ['*\n!src', ['a', 'b/c'], ['src', 'src/x']],
    ['a[0-9].txt', ['a1.txt'], ['ab.txt']],
    ['a.b', ['a.b'], ['axb']],
    ['\uFEFFa\r\nb\r\n', ['a', 'b'], []],
    ['!\n[\n', [], ['!', '[']],
    ['../x', [], ['x']],
    ['', [], ['anything']],
  ])('%j', (text, ignored, kept) => {
    const { isIgnored } = ignoreRules(text)
    expect(ignored.filter(path => !isIgnored(path))).toEqual([])
    expect(kept.filter(isIgnored)).toEqual([])
  })

  it('looks for exceptions where one may be, and no further', () => {
    const { mayKeepBelow } = ignoreRules('docs\n!docs/a/README.md\n!**/keep\n')
    expect(['docs', 'docs/a', 'docs/b', 'node_modules'].filter(mayKeepBelow)).toEqual(['docs', 'docs/a'])
  })
})
