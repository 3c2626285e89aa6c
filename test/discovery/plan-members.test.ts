import { describe, expect, it } from 'vitest'
import { isToVote, planJoin, planLeave, type StoreMember } from '../../src/discovery/index.ts'

const url = (id: string): string => `https://10.0.0.${id}:2380`
const voter = (id: string, name = `m${id}`): StoreMember => ({ id, name, peerUrls: [url(id)], isLearner: false })
const learner = (id: string, name = `m${id}`): StoreMember => ({ ...voter(id, name), isLearner: true })

describe('joining a store', () => {
  it('is added where nobody else is about to join', () => {
    expect(planJoin([voter('1')], url('2'))).toEqual({ kind: 'add' })
  })

  it('starts where it is expected: an earlier try ended between the two', () => {
    expect(planJoin([voter('1'), learner('2', '')], url('2'))).toEqual({ kind: 'start' })
  })

  it('is a new member where it has lost what it had agreed to', () => {
    expect(planJoin([voter('1'), voter('2'), voter('3')], url('2'))).toEqual({ kind: 'forget', id: '2' })
  })

  it('has the learner vote that is there, as there can be only one', () => {
    expect(planJoin([voter('1'), learner('2')], url('3'))).toEqual({ kind: 'promote', id: '2', url: url('2') })
  })

  it('does not count on one that answers on its own host alone', () => {
    const alone = { ...voter('1'), peerUrls: ['https://127.0.0.1:40001'] }
    expect(planJoin([alone], url('2'))).toEqual({ kind: 'apart', url: 'https://127.0.0.1:40001' })
    expect(planJoin([alone], 'https://127.0.0.1:40003')).toEqual({ kind: 'add' })
  })

  it('waits for a learner that has not come yet: its vote could be missing', () => {
    expect(planJoin([voter('1'), learner('2', '')], url('3'))).toEqual({ kind: 'wait', url: url('2') })
  })
})

describe('a vote in a store', () => {
  it.each([
    ['the second of two, whose loss would stop the store', [voter('1'), learner('2')], '2', false],
    ['the third', [voter('1'), voter('2'), learner('3')], '3', true],
    ['the fourth', [voter('1'), voter('2'), voter('3'), learner('4')], '4', false],
    ['one that votes', [voter('1'), voter('2')], '2', false],
    ['one that is no member', [voter('1'), voter('2')], '9', false],
  ])('%s', (_who, members, id, expected) => {
    expect(isToVote(members, id)).toBe(expected)
  })
})

it('takes out the member of a manager that goes, unless it is the store', () => {
  const all = [voter('1'), learner('2')]
  expect(planLeave(all, url('2'))).toBe('2')
  expect(planLeave(all, url('3'))).toBeUndefined()
  expect(planLeave([voter('1')], url('1'))).toBeUndefined()
})
