import { expect, it } from 'vitest'
import { parseIgnoreRules } from '../../src/cli/build-context/ignore-rules.ts'

it.each<[string, string[], string[]]>([
  ['node_modules', ['node_modules', 'node_modules/a/b'], ['src/node_modules', 'node_modules2']],
  ['*.md\n!README.md', ['a.md'], ['README.md', 'docs/a.md']],
  ['**/*.log', ['a.log', 'x/y/a.log'], ['a.logs']],
  ['/build/', ['build', 'build/x'], ['src/build']],
  ['# comment\n\n  temp?  ', ['temp1'], ['temp', 'temp12']],
  ['docs/**\n!docs/keep/**', ['docs/a', 'docs/b/c'], ['docs/keep/x']],
  ['a[0-9].txt', ['a1.txt'], ['ab.txt']],
  ['a.b', ['a.b'], ['axb']],
])('%j', (text, ignored, kept) => {
  const isIgnored = parseIgnoreRules(text)
  expect(ignored.filter(path => !isIgnored(path))).toEqual([])
  expect(kept.filter(path => isIgnored(path))).toEqual([])
})
