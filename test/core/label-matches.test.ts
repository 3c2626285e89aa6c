import { expect, it } from 'vitest'
import { labelMatches } from '../../src/core/label-matches.ts'
import type { EngineEvent } from '../../src/docker-api/index.ts'
import { matchesEvent } from '../../src/runtime/events/event-filters.ts'

const LABELS = { tier: 'web', empty: '', equation: 'a=b' }

it.each([
  ['tier', true],
  ['tier=web', true],
  ['tier=', false],
  ['tier=we', false],
  ['empty', true],
  ['empty=', true],
  ['equation=a=b', true],
  ['other', false],
  ['other=', false],
  ['constructor', false],
  ['toString', false],
  ['__proto__', false],
])('label=%s', (wanted, matches) => expect(labelMatches(LABELS, wanted)).toBe(matches))

it('keeps events without a label from who asks for one that every object inherits', () => {
  const event: EngineEvent = {
    Type: 'container',
    Action: 'start',
    Actor: { ID: 'a', Attributes: LABELS },
    scope: 'local',
    time: 0,
    timeNano: 0,
  }
  expect(matchesEvent(event, { label: ['tier'] })).toBe(true)
  expect(matchesEvent(event, { label: ['constructor'] })).toBe(false)
})
