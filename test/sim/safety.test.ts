import { beforeEach, describe, expect, it } from 'vitest'
import { ManualClock, settle } from '../../src/core/manual-clock.ts'
import type { TaskState } from '../../src/core/model/task.ts'
import { clusterKeys, createMemoryStore, type MemoryStore } from '../../src/discovery/index.ts'
import { findDeviations } from '../../src/sim/convergence.ts'
import { Safety } from '../../src/sim/safety.ts'
import { SimContainer } from '../../src/sim/sim-container.ts'
import { taskRecord } from '../support/tasks.ts'

const keys = clusterKeys('sim')
let safety: Safety
let store: MemoryStore
let token: number

beforeEach(async () => {
  safety = new Safety(keys)
  store = createMemoryStore({ clock: new ManualClock() })
  void safety.watch(store)
  token = (await store.txn([], [{ put: keys.election, value: 'x' }])).revision
})

function container(host: string, taskId: string, volume?: string): SimContainer {
  const labels = { 'shoal.task.id': taskId, 'shoal.service.id': 'p.web', 'com.docker.compose.container-number': '1' }
  const mounts = volume === undefined ? [] : [{ Type: 'volume' as const, Source: volume, Target: '/data' }]
  const request = {
    Labels: { ...labels, 'com.docker.compose.config-hash': 'h' },
    HostConfig: { Mounts: mounts },
  }
  return new SimContainer({ id: `${host}-${taskId}`, host, request, createdMs: 0 }, 'web')
}

async function assign(id: string, over: object = {}): Promise<void> {
  const task = { ...taskRecord({ id }), node: 'n1', serviceId: 'p.web', slot: 1, fencingToken: token, ...over }
  await store.txn([], [{ put: keys.task(task.node, id), value: JSON.stringify(task) }])
  await settle()
}

async function report(id: string, state: TaskState): Promise<void> {
  await store.txn([], [{ put: keys.statusOf('n1', id), value: JSON.stringify({ taskId: id, state }) }])
  await settle()
}

describe('what must never happen is seen', () => {
  it('a task that runs on two hosts', () => {
    safety.engineEvents.started(container('n1', 't1'))
    safety.engineEvents.started(container('n2', 't2'))
    expect(safety.violations).toEqual([])
    safety.engineEvents.started(container('n2', 't1'))
    expect(safety.violations).toEqual([expect.stringContaining('a task runs once: t1')])
  })

  it('a volume in use on two hosts, but not one after the other', () => {
    const first = container('n1', 't1', 'data')
    safety.engineEvents.started(first)
    safety.engineEvents.ended(first)
    safety.engineEvents.started(container('n2', 't2', 'data'))
    expect(safety.violations).toEqual([])
    safety.engineEvents.started(container('n3', 't3', 'data'))
    expect(safety.violations).toEqual([expect.stringContaining('a volume is used on one host: data')])
  })

  it('an assignment by a manager that does not lead', async () => {
    await assign('t1')
    expect(safety.violations).toEqual([])
    await assign('t2', { slot: 2, fencingToken: token + 7 })
    expect(safety.violations).toEqual([expect.stringContaining('only the leader assigns')])
  })

  it('two wanted tasks of one slot, unless one has ended', async () => {
    await assign('t1')
    await report('t1', 'running')
    await report('t1', 'failed')
    await assign('t2')
    expect(safety.violations).toEqual([])
    await assign('t3')
    expect(safety.violations).toEqual([expect.stringContaining('a slot has one wanted task: p.web/1')])
  })

  it('two wanted tasks of one slot whose node was not to be emptied when they were made', async () => {
    const setNode = (availability: string) =>
      store.txn([], [{ put: keys.node('n1'), value: JSON.stringify({ name: 'n1', availability }) }])
    await setNode('drain')
    await setNode('active')
    await assign('t1')
    await assign('t2', { node: 'n2' })
    await settle()
    expect(safety.violations).toEqual([expect.stringContaining('a slot has one wanted task: p.web/1')])
  })

  it('three wanted tasks of one slot, if one leaves its node or is to be there until the next is', async () => {
    await assign('t1', { leaving: true })
    await assign('t2')
    expect(safety.violations).toEqual([])
    await assign('t3')
    expect(safety.violations).toEqual([expect.stringContaining('a slot has one wanted task: p.web/1')])
  })

  it('a second task of one spec in a slot that starts the new one first', async () => {
    const spec = { ...taskRecord().spec, update: { order: 'start-first' } } as const
    await assign('t1', { spec, specHash: 'old' })
    await assign('t2', { spec, specHash: 'new' })
    expect(safety.violations).toEqual([])
    await assign('t3', { spec, specHash: 'new' })
    expect(safety.violations).toEqual([expect.stringContaining('a slot has one wanted task: p.web/1')])
  })

  it('a state that goes back, and a task that is revived or changed', async () => {
    await assign('t1')
    await report('t1', 'running')
    await report('t1', 'preparing')
    await assign('t1', { desired: 'stopped' })
    await assign('t1', { desired: 'running' })
    expect(safety.violations.map(text => text.split(':')[0])).toEqual(['states go forward', 'a stopped task stays so'])
  })
})

describe('what is not as wanted is found', () => {
  const spec = taskRecord().spec
  const wanted = [{ name: 'p', services: [{ ...spec, name: 'web', replicas: 1 }], networks: [], volumes: [] }]
  const service = { id: 'p.web', project: 'p', spec, specHash: 'h', createdAtMs: 0, updatedAtMs: 0 }
  const base = { wanted, running: [container('n1', 't1')], tasks: [], services: [service], drained: new Set<string>() }
  const pending = { ...taskRecord(), serviceId: 'p.web', slot: 1 }

  it.each([
    ['nothing', base, []],
    ['a missing replica', { ...base, running: [] }, ['p.web: slot 1 has no task']],
    ['a silent pending one', { ...base, running: [], tasks: [pending] }, [expect.stringContaining('does not say why')]],
    ['an explained pending one', { ...base, running: [], tasks: [{ ...pending, pendingReasons: ['full'] }] }, []],
    [
      'one too many',
      { ...base, running: [...base.running, container('n2', 't2')] },
      [expect.stringContaining('runs 2 times')],
    ],
    ['an old spec', { ...base, services: [{ ...service, specHash: 'new' }] }, [expect.stringContaining('old spec')]],
    [
      'one that does not leave a node, and does not say why',
      { ...base, tasks: [{ ...pending, id: 't1', node: 'n1' }], drained: new Set(['n1']) },
      [expect.stringContaining('does not leave n1, and does not say why')],
    ],
    [
      'an old spec on a node that it cannot leave, and says why',
      {
        ...base,
        services: [{ ...service, specHash: 'new' }],
        tasks: [{ ...pending, id: 't1', node: 'n1', pendingReasons: ['full'] }],
        drained: new Set(['n1']),
      },
      [],
    ],
    [
      'an old spec of one that says why it could not leave a node that is no longer to be emptied',
      {
        ...base,
        services: [{ ...service, specHash: 'new' }],
        tasks: [{ ...pending, id: 't1', node: 'n1', specHash: 'old', pendingReasons: ['full'] }],
      },
      [expect.stringContaining('old spec')],
    ],
    ['a removed project that runs', { ...base, wanted: [], services: [] }, [expect.stringContaining('still runs')]],
    ['a removed service', { ...base, wanted: [], running: [] }, ['p.web: is still there']],
  ])('%s', (_name, state, expected) => {
    expect(findDeviations(state)).toEqual(expected)
  })
})
