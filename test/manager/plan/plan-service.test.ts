import { describe, expect, it } from 'vitest'
import type { RestartSpec, UpdateSpec } from '../../../src/core/model/service.ts'
import type { ServiceRecord } from '../../../src/core/model/task.ts'
import type { Intent } from '../../../src/manager/plan/intent.ts'
import { planService } from '../../../src/manager/plan/plan-service.ts'
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
  readonly exitCode?: number
}

const RUNNING = { node: 'n1', health: 'none', restarts: 0, addresses: {}, ports: [], updatedAtMs: 0 } as const
let order = 0

function task(given: Given = {}): TaskFacts {
  const { slot = 1, situation = 'live', hash = 'new', settled = situation === 'live', draining = false } = given
  const { pinned = false, placed = true, failures = 0, exitCode } = given
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
  const status = exitCode === undefined ? undefined : { ...RUNNING, taskId: id, state: 'failed' as const, exitCode }
  return { stored, task: record, status, situation, settled, draining, pinned }
}

function plan(
  tasks: readonly TaskFacts[],
  more: {
    replicas?: number
    restart?: RestartSpec
    update?: UpdateSpec
    mayUpdate?: boolean
    nowMs?: number
    wellSinceMs?: number
    service?: Partial<ServiceRecord>
  } = {},
) {
  const { replicas = 1, restart = { condition: 'on-failure' }, mayUpdate = true, nowMs = 0 } = more
  const { update = {}, wellSinceMs: sinceMs = 0 } = more
  const spec = serviceSpec('web', { replicas, restart, update })
  const slots = new Set(Array.from({ length: replicas }, (_, index) => index + 1))
  const service = {
    id: 'shop.web',
    project: 'shop',
    spec,
    specHash: 'new',
    createdAtMs: 0,
    updatedAtMs: 0,
    ...more.service,
  }
  const endedSinceMs = new Map(tasks.map(facts => [facts.task.id, 0]))
  const wellSinceMs = new Map(tasks.map(facts => [facts.task.id, sinceMs]))
  return planService({ service, tasks, slots, mayUpdate, endedSinceMs, wellSinceMs, monotonicMs: nowMs }).map(words)
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
    case 'roll-back':
      return `roll back: ${intent.because}`
    case 'end-update':
      return 'end update'
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

describe('updates, as update_config says', () => {
  const old = (slot: number, more: Given = {}): Given => ({ slot, hash: 'old', ...more })
  it.each<[string, UpdateSpec, readonly Given[], readonly string[]]>([
    ['two at a time', { parallelism: 2 }, [old(1), old(2), old(3)], ['stop 1', 'stop 2']],
    ['all at once', { parallelism: 0 }, [old(1), old(2), old(3)], ['stop 1', 'stop 2', 'stop 3']],
    ['as many as there is room for', { parallelism: 2 }, [{ slot: 1, settled: false }, old(2), old(3)], ['stop 2']],
    ['a new one first, the old one stays', { order: 'start-first' }, [old(1), old(2)], ['create 1']],
    ['nothing while the new one starts', { order: 'start-first' }, [old(1), { slot: 1, settled: false }, old(2)], []],
    [
      'nothing while it has no place',
      { order: 'start-first' },
      [old(1), { slot: 1, placed: false, settled: false }, old(2)],
      [],
    ],
    ['the old one goes when it is well', { order: 'start-first' }, [old(1), { slot: 1 }], ['stop 1']],
    [
      'one that serves of the spec that is wanted again is kept, and what was to follow it goes',
      { order: 'start-first' },
      [{ slot: 1 }, { ...old(1), settled: false }],
      ['stop 1'],
    ],
    [
      'the same, and what was to follow it has failed',
      { order: 'start-first' },
      [{ slot: 1 }, { ...old(1), situation: 'failed' }],
      [],
    ],
    [
      'the old one serves on when it fails',
      { order: 'start-first' },
      [old(1), { slot: 1, situation: 'failed' }, old(2)],
      ['wait 1000'],
    ],
    [
      'the old one goes when it is complete',
      { order: 'start-first' },
      [old(1), { slot: 1, situation: 'complete', settled: true }],
      ['stop 1'],
    ],
    ['failures pause it', {}, [{ slot: 1, situation: 'failed' }, old(2), old(3)], ['wait 1000']],
    [
      'failures do not, where it says so',
      { failureAction: 'continue' },
      [{ slot: 1, situation: 'failed' }, old(2), old(3)],
      ['wait 1000', 'stop 2'],
    ],
    [
      'so many may fail',
      { maxFailureRatio: 0.4 },
      [{ slot: 1, situation: 'failed' }, old(2), old(3)],
      ['wait 1000', 'stop 2'],
    ],
    ['and no more', { maxFailureRatio: 0.3 }, [{ slot: 1, situation: 'failed' }, old(2), old(3)], ['wait 1000']],
  ])('%s', (_name, update, given, expected) => {
    expect(plan(given.map(task), { update, replicas: new Set(given.map(each => each.slot)).size })).toEqual(expected)
  })

  it.each<[UpdateSpec, number, readonly string[]]>([
    [{ delayMs: 5_000 }, 5_999, ['wait 6000']],
    [{ delayMs: 5_000 }, 6_000, ['stop 2']],
    [{ delayMs: 1_000, monitorMs: 7_000 }, 6_000, ['wait 8000']],
  ])('%j counts from when the last one was well', (update, nowMs, expected) => {
    expect(plan([{}, old(2)].map(task), { update, nowMs, wellSinceMs: 1_000, replicas: 2 })).toEqual(expected)
  })
})

describe('updates that are taken back when they fail', () => {
  const old = (slot: number, more: Given = {}): Given => ({ slot, hash: 'old', ...more })
  const taken = { rollsBackTo: 'old' }
  const rollback = { failureAction: 'rollback' } as const
  it.each<[string, readonly Given[], UpdateSpec, readonly string[]]>([
    [
      'the first failure',
      [{ slot: 1, situation: 'failed' }, old(2)],
      {},
      ['roll back: shop-web-1: it ended by itself'],
    ],
    [
      'one that was made after a failure',
      [{ slot: 1, failures: 1 }, old(2)],
      {},
      ['roll back: shop-web-1: it ended by itself'],
    ],
    [
      'one whose code is known, though its successor runs and the one before was stopped',
      [
        old(1, { situation: 'ended', exitCode: 143 }),
        { slot: 1, situation: 'ended', exitCode: 3 },
        { slot: 1, failures: 1 },
      ],
      {},
      ['roll back: shop-web-1: it exited with code 3'],
    ],
    [
      'the failure of the only one',
      [old(1, { situation: 'ended' }), { slot: 1, situation: 'failed' }],
      {},
      ['roll back: shop-web-1: it ended by itself'],
    ],
    [
      'not as many as may fail',
      [{ slot: 1, situation: 'failed' }, old(2), old(3)],
      { maxFailureRatio: 0.4 },
      ['wait 1000', 'stop 2'],
    ],
    ['not one of the old spec', [old(1, { situation: 'failed' }), old(2)], {}, ['create 1 after failed']],
    ['not while all goes well', [{ slot: 1 }, old(2)], {}, ['stop 2']],
    ['not once all were well for five seconds', [{ slot: 1 }, { slot: 2 }], {}, ['end update']],
    ['not once all were well for as long as is said', [{ slot: 1 }, { slot: 2 }], { monitorMs: 7_000 }, ['wait 8000']],
    [
      'not once all are done',
      [{ slot: 1, situation: 'complete', settled: true }],
      { monitorMs: 90_000 },
      ['end update'],
    ],
  ])('%s', (_name, given, update, expected) => {
    const replicas = new Set(given.map(each => each.slot)).size
    const more = { replicas, nowMs: given.some(each => each.situation === 'failed') ? 0 : 6_000, wellSinceMs: 1_000 }
    expect(plan(given.map(task), { ...more, update: { ...rollback, ...update }, service: taken })).toEqual(expected)
  })

  it('never after it has proved itself', () => {
    expect(plan([task({ situation: 'failed' })], { update: rollback })).toEqual(['wait 1000'])
  })

  it('goes back as rollback_config says', () => {
    const spec = serviceSpec('web', { replicas: 2, update: rollback, rollback: { parallelism: 0 } })
    const service = { spec, rolledBack: { because: 'it failed', atMs: 0 } }
    expect(plan([old(1), old(2)].map(task), { replicas: 2, service })).toEqual(['stop 1', 'stop 2'])
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
