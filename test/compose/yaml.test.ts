import { expect, it } from 'vitest'
import { parseYaml } from '../../src/compose/yaml/parse-yaml.ts'
import { resolvePlainScalar } from '../../src/compose/yaml/resolve-scalar.ts'
import { messageOf } from './load.ts'

it.each<[string, unknown]>([
  ['0440', 288],
  ['010', 8],
  ['0o17', 15],
  ['0x1F', 31],
  ['0b11', 3],
  ['1_000', 1000],
  ['-5', -5],
  ['08', 8],
  ['1.50', 1.5],
  ['1e3', 1000],
  ['12345678901234567890', '12345678901234567890'],
  ['yes', 'yes'],
  ['on', 'on'],
  ['true', true],
  ['TRUE', true],
  ['~', null],
  ['', null],
  ['56:56', '56:56'],
  ['2026-01-02', '2026-01-02'],
  ['.5', 0.5],
  ['..', '..'],
])('%j is %j', (text, expected) => {
  expect(resolvePlainScalar(text)).toEqual(expected)
})

function value(text: string): unknown {
  return parseYaml(text, '/f.yaml')[0]?.value
}

it('explicit keys win over merged ones, earlier sources over later ones', () => {
  expect(value('a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  z: 3\n  <<: [*a, *b]')).toMatchObject({
    c: { x: 1, y: 1, z: 3 },
  })
})

it('quoted scalars stay text', () => {
  expect(value('a: "0440"\nb: \'true\'')).toEqual({ a: '0440', b: 'true' })
})

it('remembers where keys stand, through anchors too', () => {
  const [document] = parseYaml('a: &x\n  k: 1\nb: *x\n', '/f.yaml')
  expect(document?.positions.get('a\0k')).toEqual({ line: 2, column: 3 })
  expect(document?.positions.get('b\0k')).toEqual({ line: 2, column: 3 })
})

it('records tags, and leaves out what is reset', () => {
  const [document] = parseYaml('a: !reset {x: 1}\nb: !override [1]\nc: !other 2', '/f.yaml')
  expect(document).toMatchObject({ value: { b: [1], c: 2 }, resets: [['a']], overrides: [['b']] })
})

it.each([
  ['a: 1\nb: 2\na: 3', '/f.yaml:3:1: line 3: mapping key "a" already defined at line 1'],
  ['x: &x {}\na:\n  <<: *x\n  <<: *x', 'mapping key "<<" already defined'],
  ['a: *nope', '/f.yaml:1:4: Cannot read YAML: unknown anchor "nope"'],
  ['a: &a [*a]', 'anchor "a" contains itself'],
  ['a:\n\tb: 1', '/f.yaml:2:1: Cannot read YAML: Tabs'],
  ['services: {1: x}', 'non-string key in services: 1'],
  ['a: {<<: 3}', 'Cannot merge with "<<"'],
])('refuses %j', (text, message) => {
  expect(messageOf(() => value(text))).toContain(message)
})

it('an alias bomb stops early, many aliases do not', () => {
  const levels = Array.from({ length: 9 }, (_, index) => {
    const inner =
      index === 0
        ? '[x, x, x, x, x, x, x, x, x]'
        : `[${Array(9)
            .fill(`*a${index - 1}`)
            .join(', ')}]`
    return `a${index}: &a${index} ${inner}`
  })
  expect(messageOf(() => value(levels.join('\n')))).toContain('more than 100000 values')
  const many = `a: &a {k: 1}\nl: [${Array(500).fill('*a').join(', ')}]`
  expect((value(many) as { l: unknown[] }).l).toHaveLength(500)
})
