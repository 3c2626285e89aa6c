import { expect, it } from 'vitest'
import { parseDotenv, parseRawEnv } from '../../src/compose/files/dotenv.ts'
import { fc } from '../support/property.ts'
import { messageOf } from './load.ts'

const OUTSIDE: Readonly<Record<string, string>> = { HOME: '/root', SET: 'outside' }

function read(text: string): Record<string, string> {
  return Object.fromEntries(parseDotenv(text, { file: '/srv/.env', lookup: name => OUTSIDE[name], warn: () => {} }))
}

it.each<[string, Record<string, string>]>([
  ['A=1', { A: '1' }],
  ['A = 1 \nB: two words  ', { A: '1', B: 'two words' }],
  ['export A=1', { A: '1' }],
  ['\uFEFFA=1\r\nB=2\r\n', { A: '1', B: '2' }],
  ['A=1 # no\nB=1#yes\nC=1\t#tab\nD= # c', { A: '1', B: '1#yes', C: '1\t#tab', D: '# c' }],
  ["A='$HOME \\n it\\'s'", { A: "$HOME \\n it's" }],
  ['A="a\\tb\\n\\"c\\" $HOME \\$HOME"', { A: 'a\tb\n"c" /root $HOME' }],
  ['A="\\0101"', { A: 'A' }],
  ['A=a\\nb', { A: 'a\\nb' }],
  ['A="two\nlines"\nB=2', { A: 'two\nlines', B: '2' }],
  ['A=1\nB=${A}2\nC=${D}3\nD=4', { A: '1', B: '12', C: '3', D: '4' }],
  ['SET=inside\nA=$SET', { SET: 'inside', A: 'outside' }],
  ['SET\nUNSET', { SET: 'outside' }],
  ['A=1\nA=2', { A: '2' }],
  ['A=x=y=z', { A: 'x=y=z' }],
  ['my.key-1[0]=v', { 'my.key-1[0]': 'v' }],
  ['A="x" B=y', { A: 'x', B: 'y' }],
  ['# only\n\n', {}],
])('reads %j', (text, expected) => {
  expect(read(text)).toEqual(expected)
})

it.each([
  ['A=1\nB!=2', '/srv/.env:2:1: line 2: unexpected character "!" in variable name "B!=2"'],
  ['A="x', 'unterminated quoted value "x'],
  ['A=${B?why}', 'required variable B is missing a value: why'],
])('refuses %j', (text, message) => {
  expect(messageOf(() => read(text))).toContain(message)
})

it('a double-quoted value comes back as it was', () => {
  fc.assert(
    fc.property(fc.string(), value => {
      const escaped = value
        .replace(/[\\"$]/g, '\\$&')
        .replaceAll('\n', '\\n')
        .replaceAll('\r', '\\r')
      expect(read(`A="${escaped}"`)).toEqual({ A: value })
    }),
  )
})

it('raw files are read to the letter', () => {
  const values = parseRawEnv('A="x" # y\n# c\nSET\nUNSET\nB=$HOME', name => OUTSIDE[name])
  expect(Object.fromEntries(values)).toEqual({ A: '"x" # y', SET: 'outside', B: '$HOME' })
})
