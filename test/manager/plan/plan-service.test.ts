import { describe, expect, it } from 'vitest'
import type { RestartSpec } from '../../../src/core/model/service.ts'
import { type Intent, planService } from '../../../src/manager/plan/plan-service.ts'
import type { Situation, TaskFacts } from '../../../src/manager/plan/task-facts.ts'
import { serviceSpec } from '../support.ts'

interface Given {
  readonly slot?: number
  readonly situation?: Situation
  readonly hash?: string
  readonly settled?: boolean
  readonly draining?: boolean
  readonly pinned?: boolean
  readonly placed?: boolean
  readonly failures?: number
}

let order = 0

function task(given: Given = {}): TaskFacts {
  const { slot = 1, situation = 'live', hash = 'new', settled = situation === 'live', draining = false } = given
  const { pinned = false, placed = true, failures = 0 } = given
  const id = `t${++order}`
  const record = {
    id,
    project: 'shop',
    serviceId: 'shop.web',
    service: 'web',
    slot,
    spec: serviceSpec('web'),
    specHash: hash,
    ...(placed ? { node: 'n1' } : {}),
    desired: situation === 'stopping' || situation === 'ended' ? ('stopped' as const) : ('running' as const),
    fencingToken: 1,
    createdAtMs: 0,
    failures,
  }
  const stored = { key: id, value: record, createRevision: order, modRevision: order }
  return { stored, task: record, status: undefined, situation, settled, draining, pinned }
}

function plan(
  tasks: readonly TaskFacts[],
  more: { replicas?: number; restart?: RestartSpec; mayUpdate?: boolean; nowMs?: number } = {},
) {
  const { replicas = 1, restart = { condition: 'on-failure' }, mayUpdate = true, nowMs = 0 } = more
  const spec = serviceSpec('web', { replicas, restart })
  const service = { id: 'shop.web', project: 'shop', spec, specHash: 'new', createdAtMs: 0, updatedAtMs: 0 }
  const endedSinceMs = new Map(tasks.map(facts => [facts.task.id, 0]))
  return planService({ service, tasks, mayUpdate, endedSinceMs, monotonicMs: nowMs }).map(words)
}

function words(intent: Intent): string {
  switch (intent.want) {
    case 'create':
      return `create ${intent.slot}${intent.replaces === undefined ? '' : ` after ${intent.replaces.situation}`}`
    case 'wait':
      return `wait ${intent.untilMs}`
    case 'stop':
      return `stop ${intent.facts.task.slot}`
    case 'move':
      return `move ${intent.facts.task.slot} ${intent.why}`
  }
}

describe('replicas', () => {
  it.each<[string, readonly Given[], number, readonly string[]]>([
    ['missing ones are created', [], 3, ['create 1', 'create 2', 'create 3']],
    ['a gap is filled', [{ slot: 1 }, { slot: 3 }], 3, ['create 2']],
    ['the highest slots go first', [{ slot: 1 }, { slot: 2 }, { slot: 3 }], 1, ['stop 3', 'stop 2']],
    ['ended ones beyond the replicas are history', [{ slot: 2, situation: 'ended' }], 0, []],
    ['no successor before the old one has stopped', [{ situation: 'stopping' }], 1, []],
    ['a successor once it has', [{ situation: 'ended' }], 1, ['create 1']],
    ['of two the newer stays', [{}, {}], 1, ['stop 1']],
  ])('%s', (_name, given, replicas, expected) => {
    expect(plan(given.map(task), { replicas })).toEqual(expected)
  })
})

describe('updates', () => {
  const old = (slot: number, more: Given = {}): Given => ({ slot, hash: 'old', ...more })
  it.each<[string, readonly Given[], readonly string[]]>([
    ['one at a time', [old(1), old(2), old(3)], ['stop 1']],
    ['the next waits until the new one is well', [{ slot: 1, settled: false }, old(2), old(3)], []],
    ['the next waits while one stops', [old(1, { situation: 'stopping' }), old(2), old(3)], []],
    ['the next follows when the new one is well', [{ slot: 1 }, old(2), old(3)], ['stop 2']],
    [
      'what does not run is replaced at once',
      [old(1, { situation: 'failed' }), old(2), { slot: 3 }],
      ['create 1 after failed'],
    ],
    [
      'so is what waits for a place',
      [old(1, { placed: false, settled: false }), old(2), { slot: 3 }],
      ['create 1 after live'],
    ],
    [
      'a broken new one holds the update',
      [{ slot: 1, situation: 'failed', settled: false }, old(2), old(3)],
      ['wait 1000'],
    ],
  ])('%s', (_name, given, expected) => {
    const history = given.map(each =>
      each.hash === undefined ? [old(each.slot ?? 1, { situation: 'ended' }), each] : [each],
    )
    expect(plan(history.flat().map(task), { replicas: 3 })).toEqual(expected)
  })

  it('wait for what the service depends on', () => {
    expect(plan([task({ hash: 'old' })], { mayUpdate: false })).toEqual([])
  })
})

describe('ended tasks', () => {
  it.each<[string, Given, RestartSpec & { readonly atMs: number }, readonly string[]]>([
    [
      'failed: after a second',
      { situation: 'failed' },
      { condition: 'on-failure', atMs: 1_000 },
      ['create 1 after failed'],
    ],
    ['failed: not before', { situation: 'failed' }, { condition: 'on-failure', atMs: 999 }, ['wait 1000']],
    [
      'failed for the third time: after four',
      { situation: 'failed', failures: 2 },
      { condition: 'on-failure', atMs: 0 },
      ['wait 4000'],
    ],
    [
      'failed very often: after a minute',
      { situation: 'failed', failures: 50 },
      { condition: 'any', atMs: 0 },
      ['wait 60000'],
    ],
    [
      'failed, attempts used up',
      { situation: 'failed', failures: 3 },
      { condition: 'any', maxAttempts: 3, atMs: 99_999 },
      [],
    ],
    ['failed, never to restart', { situation: 'failed' }, { condition: 'none', atMs: 99_999 }, []],
    ['complete', { situation: 'complete' }, { condition: 'on-failure', atMs: 99_999 }, []],
    [
      'complete, to run always',
      { situation: 'complete' },
      { condition: 'any', atMs: 1_000 },
      ['create 1 after complete'],
    ],
  ])('%s', (_name, given, { atMs: nowMs, ...restart }, expected) => {
    expect(plan([task(given)], { restart, nowMs })).toEqual(expected)
  })
})

describe('nodes', () => {
  it.each<[string, readonly Given[], readonly string[]]>([
    ['a lost task moves', [{ situation: 'lost' }], ['move 1 lost']],
    ['a lost task stays with its volume', [{ situation: 'lost', pinned: true }], []],
    ['a lost task with a successor is told to stop', [{ situation: 'lost' }, {}], ['stop 1']],
    ['a draining node gives its task away', [{ draining: true }], ['move 1 drain']],
    ['the old task stays until its successor is well', [{ draining: true }, { settled: false }], []],
    ['and then goes', [{ draining: true }, {}], ['stop 1']],
    [
      'a task that failed, of an old spec, is renewed once though its successor was called off',
      [
        { situation: 'failed', hash: 'old', draining: true },
        { situation: 'ended', hash: 'old' },
      ],
      ['create 1 after failed'],
    ],
    ['a successor that failed is tried again, later', [{ draining: true }, { situation: 'failed' }], ['wait 1000']],
  ])('%s', (_name, given, expected) => {
    expect(plan(given.map(task))).toEqual(expected)
  })
})
