import { expect, it } from 'vitest'
import { substitute, TemplateError, variablesOf } from '../../src/compose/interpolate/template.ts'
import { fc } from '../support/property.ts'

const VALUES: Readonly<Record<string, string>> = { SET: 'x', EMPTY: '', OTHER: 'y' }

function fill(template: string): string {
  return substitute(
    template,
    name => VALUES[name],
    () => {},
  )
}

it.each([
  ['plain', 'plain'],
  ['$SET', 'x'],
  ['a${SET}b', 'axb'],
  ['$SET-$OTHER', 'x-y'],
  ['${NONE}', ''],
  ['${NONE-d}', 'd'],
  ['${EMPTY-d}', ''],
  ['${EMPTY:-d}', 'd'],
  ['${SET:-d}', 'x'],
  ['${SET+a}', 'a'],
  ['${EMPTY+a}', 'a'],
  ['${EMPTY:+a}', ''],
  ['${NONE:+a}', ''],
  ['${NONE:-${OTHER}}', 'y'],
  ['${NONE:-${NADA:-deep}}!', 'deep!'],
  ['${NONE:-{"a": {"b": 1}}}z', '{"a": {"b": 1}}z'],
  ['${NONE-a:?b}', 'a:?b'],
  ['${NONE:-http://h:80/p}', 'http://h:80/p'],
  ['$$SET', '$SET'],
  ['$$$SET', '$x'],
  ['cost: 5$', 'cost: 5$'],
  ['$1 and $}', '$1 and $}'],
  ['${SET?never}', 'x'],
])('%s becomes %s', (template, expected) => {
  expect(fill(template)).toBe(expected)
})

it.each(['${}', '${ SET}', '${SET!x}', '${SET', '${1A}', '${NONE:-${x}'])('%s is no template', template => {
  expect(() => fill(template)).toThrow(TemplateError)
})

it('a required variable that is missing says so, its message filled in', () => {
  expect(() => fill('${NONE?set $SET first}')).toThrow('required variable NONE is missing a value: set x first')
  expect(() => fill('${EMPTY:?no}')).toThrow('required variable EMPTY is missing a value: no')
})

it('reports each variable that becomes blank, and no default that was not needed', () => {
  const unset: string[] = []
  substitute(
    '$A ${SET:-$B} ${C:-$D}',
    name => VALUES[name],
    name => unset.push(name),
  )
  expect(unset).toEqual(['A', 'D'])
})

it('finds variables inside defaults', () => {
  expect(variablesOf('${A:-${B?must}} $C').map(({ name, operator }) => name + operator)).toEqual(['A:-', 'B?', 'C'])
})

it('doubling every dollar undoes itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', ':', '-', ' ') }), text => {
      expect(fill(text.replaceAll('$', '$$$$'))).toBe(text)
    }),
  )
})

it('any text at all is either filled in or no template', () => {
  const pieces = fc.constantFrom('$', '{', '}', '${', 'SET', 'EMPTY', 'NONE', ':-', '-', ':+', '?', ' ', 'x', '1', '\n')
  const nested = fc.array(pieces, { maxLength: 40 }).map(found => found.join(''))
  fc.assert(
    fc.property(fc.oneof(nested, fc.string()), text => {
      try {
        expect(typeof fill(text)).toBe('string')
      } catch (error) {
        expect(error).toBeInstanceOf(TemplateError)
      }
    }),
  )
})

it('defaults of defaults end at a depth that nobody needs', () => {
  const nested = (depth: number): string => `${'${NONE:-'.repeat(depth)}x${'}'.repeat(depth)}`
  expect(fill(nested(90))).toBe('x')
  expect(() => fill(nested(5_000))).toThrow(TemplateError)
  expect(() => variablesOf(nested(5_000))).toThrow(TemplateError)
})
