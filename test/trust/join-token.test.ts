import { expect, it } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import { checkToken, checkUnused, newJoinToken, parseJoinToken } from '../../src/trust/index.ts'

const AUTHORITY = 'a'.repeat(64)
const wish = { role: 'node', authority: AUTHORITY, lifeMs: 1_000, once: true } as const
const { text, record } = newJoinToken(wish, { random: seededRandom(7), nowMs: 5_000 })

it('keeps nothing from which a token could be made', () => {
  const { secret, ...shown } = parseJoinToken(text)
  expect(shown).toEqual({ role: 'node', authority: AUTHORITY })
  expect(JSON.stringify(record)).not.toContain(secret)
})

it('knows a token again until it expires', () => {
  expect(checkToken(parseJoinToken(text), record, 5_999)).toBe(record)
  expect(() => checkToken(parseJoinToken(text), record, 6_000)).toThrow('it expired at 1970-01-01T00:00:06.000Z')
})

it.each([
  ['another role', text.replace('-node-', '-manager-')],
  ['another authority', text.replace(AUTHORITY, 'b'.repeat(64))],
  ['another secret', `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`],
])('refuses a token with %s', (_what, changed) => {
  expect(() => checkToken(parseJoinToken(changed), record, 5_000)).toThrow('it is not known')
})

it('refuses a token that nothing is kept of', () => {
  expect(() => checkToken(parseJoinToken(text), undefined, 5_000)).toThrow('it is not known')
})

it('lets the key that used a token for one use ask again, and no other', () => {
  expect(() => checkUnused(record, 'k1')).not.toThrow()
  expect(() => checkUnused({ ...record, usedBy: 'k1' }, 'k1')).not.toThrow()
  expect(() => checkUnused({ ...record, usedBy: 'k1' }, 'k2')).toThrow('has been used')
  expect(() => checkUnused({ ...record, once: false, usedBy: 'k1' }, 'k2')).not.toThrow()
})

it.each([
  '',
  'SHOAL-1-node',
  `SHOAL-1-root-${AUTHORITY}-${AUTHORITY}`,
  `SHOAL-2-node-${AUTHORITY}-${AUTHORITY}`,
  `${text}0`,
])('says what a token looks like, for %j', odd => {
  expect(() => parseJoinToken(odd)).toThrow('expected SHOAL-1-<role>-')
})
