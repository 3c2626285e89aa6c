import { describe, expect, it } from 'vitest'
import { isTerminal, type TaskRecord, type TaskState, type TaskStatus } from '../../src/core/model/task.ts'
import type { Action } from '../../src/node-agent/tasks/actions.ts'
import { decide, nextDecisionMs, type Snapshot } from '../../src/node-agent/tasks/decide.ts'
import { isAlive, type SeenContainer } from '../../src/node-agent/tasks/seen-container.ts'
import { statusWithoutContainer } from '../../src/node-agent/tasks/task-status.ts'
import { fc } from '../support/property.ts'
import { serviceSpec, taskRecord } from '../support/tasks.ts'

function container(change: Partial<SeenContainer> = {}): SeenContainer {
  return {
    id: 'c1',
    taskId: 't1',
    place: 'shop.web/1',
    name: 'shop-web-1',
    image: 'web:1',
    command: 'serve --all',
    createdAtMs: 1,
    status: 'running',
    health: 'none',
    exitCode: 0,
    outOfMemory: false,
    error: '',
    restarts: 0,
    startedAtMs: 2,
    addresses: {},
    ports: [],
    ...change,
  }
}

function status(state: TaskState): TaskStatus {
  return { taskId: 't1', node: 'n1', state, health: 'none', restarts: 0, addresses: {}, ports: [], updatedAtMs: 0 }
}

function snapshot(change: Partial<Snapshot> = {}): Snapshot {
  return {
    node: 'n1',
    tasks: [taskRecord()],
    containers: [],
    reported: new Map(),
    published: new Map(),
    attempts: new Map(),
    busy: new Map(),
    stale: new Set(),
    ...change,
  }
}

const { startedAtMs: _, ...neverStarted } = container({ status: 'created' })
const stopping = taskRecord({ desired: 'stopped' })
const hooked = taskRecord({
  spec: serviceSpec({ postStart: [{ command: ['warm'] }], preStop: [{ command: ['drain'] }] }),
})

describe('decide', () => {
  const cases: readonly (readonly [string, Partial<Snapshot>, readonly string[]])[] = [
    ['a new task runs', {}, ['run']],
    ['one under way is left alone', { busy: new Map([['t1', 'run']]) }, []],
    ['one under way that is to stop is given up', { tasks: [stopping], busy: new Map([['t1', 'run']]) }, ['cancel']],
    [
      'one under way that is gone is given up',
      { tasks: [], busy: new Map([['t1', 'run']]), reported: new Map([['t1', status('preparing')]]) },
      ['cancel'],
    ],
    ['a container that runs is published and reported', { containers: [container()] }, ['publish', 'report']],
    ['one made and not started is finished', { containers: [neverStarted] }, ['run']],
    ['one of a gone task is removed', { tasks: [], containers: [container()] }, ['remove']],
    [
      'what was said of a gone task is forgotten',
      { tasks: [], reported: new Map([['t1', status('stopped')]]) },
      ['forget'],
    ],
    ['addresses of a gone task are given back', { tasks: [], published: new Map([['t1', false]]) }, ['forget']],
    ['one that is to stop is stopped', { tasks: [stopping], containers: [container()] }, ['stop']],
    [
      'one that stopped is removed',
      { tasks: [stopping], containers: [container({ status: 'exited' })] },
      ['publish', 'report', 'remove'],
    ],
    ['one that never was has stopped', { tasks: [stopping] }, ['report']],
    ['one whose end was reported is not run again', { reported: new Map([['t1', status('failed')]]) }, []],
    [
      'nor is its container kept running',
      { reported: new Map([['t1', status('failed')]]), containers: [container()] },
      ['stop'],
    ],
    [
      'nor is one started that never ran',
      {
        reported: new Map([['t1', status('failed')]]),
        containers: [neverStarted],
        published: new Map([['t1', false]]),
      },
      [],
    ],
    ['one that ran and has no container failed', { reported: new Map([['t1', status('running')]]) }, ['report']],
    ['one that was about to run begins anew', { reported: new Map([['t1', status('starting')]]) }, ['run']],
    ['an order of a replaced manager fails', { stale: new Set(['t1']) }, ['report']],
    [
      'a retry waits for its time',
      { attempts: new Map([['t1', { tries: 1, error: 'x', retryAtMs: 1_001 }]]) },
      ['report'],
    ],
    ['a retry that is due runs', { attempts: new Map([['t1', { tries: 1, error: 'x', retryAtMs: 1_000 }]]) }, ['run']],
    ['the last failure is final', { attempts: new Map([['t1', { tries: 4, error: 'x' }]]) }, ['report']],
    ['one whose hooks have not run is not said to run', { tasks: [hooked], containers: [container()] }, ['run']],
    [
      'one whose hooks have run is',
      { tasks: [hooked], containers: [container()], reported: new Map([['t1', status('running')]]) },
      ['publish', 'report'],
    ],
    [
      'one whose hook failed has failed',
      { tasks: [hooked], containers: [container()], attempts: new Map([['t1', { tries: 1, error: 'x' }]]) },
      ['conclude'],
    ],
    ['a second container goes', { containers: [container({ id: 'c2', createdAtMs: 9 }), container()] }, ['remove']],
    [
      'a successor waits while its predecessor stops',
      { tasks: [stopping, taskRecord({ id: 't2' })], containers: [container()], busy: new Map([['t1', 'stop']]) },
      [],
    ],
  ]
  it.each(cases)('%s', (_name, change, verbs) => {
    expect(decide(snapshot(change), 1_000).map(action => action.verb)).toEqual(verbs)
  })

  it('lets a task end its work before it is stopped, but not one that has failed', () => {
    const tasks = [{ ...hooked, desired: 'stopped' as const }]
    const hooksAfter = (state: TaskState): unknown =>
      decide(snapshot({ tasks, containers: [container()], reported: new Map([['t1', status(state)]]) }), 0)
    expect(hooksAfter('running')).toMatchObject([{ verb: 'stop', hooks: [{ command: ['drain'] }] }])
    expect(hooksAfter('failed')).toMatchObject([{ verb: 'stop', hooks: [] }])
  })

  it('keeps the container that lives, then the oldest', () => {
    const containers = [
      container({ id: 'old', createdAtMs: 1, status: 'exited' }),
      container({ id: 'young', createdAtMs: 3 }),
      container({ id: 'older', createdAtMs: 2 }),
    ]
    expect(decide(snapshot({ containers }), 0)).toMatchObject([{ verb: 'remove', containers: ['young', 'old'] }])
  })

  it.each([
    [{ exitCode: 0 }, 'complete', undefined],
    [{ exitCode: 1 }, 'failed', 'The container exited with code 1'],
    [{ exitCode: 137, outOfMemory: true }, 'failed', 'The container ran out of memory (exit code 137)'],
    [{ exitCode: 127, error: 'exec: "x": not found' }, 'failed', 'exec: "x": not found'],
  ])('reads an end from %j', (change, state, error) => {
    const actions = decide(snapshot({ containers: [container({ status: 'exited', ...change })] }), 0)
    const report = actions.find(action => 'status' in action)
    expect(report).toMatchObject({
      verb: state === 'failed' ? 'conclude' : 'report',
      status: { state, exitCode: change.exitCode },
    })
    expect(report?.status.error).toBe(error)
  })

  it('tells when a container is paused, and when it goes on', () => {
    const reportOf = (change: Partial<SeenContainer>, reported?: TaskStatus): TaskStatus | undefined => {
      const said = reported === undefined ? {} : { reported: new Map([['t1', reported]]) }
      const report = decide(snapshot({ containers: [container(change)], ...said }), 0).find(
        action => action.verb === 'report',
      )
      return report?.verb === 'report' ? { ...report.status, updatedAtMs: 5 } : undefined
    }
    const paused = reportOf({ status: 'paused' })
    expect(paused).toMatchObject({ state: 'running', paused: true })
    expect(reportOf({ status: 'paused' }, paused)).toBeUndefined()
    expect(reportOf({}, paused)).not.toHaveProperty('paused')
    expect(statusWithoutContainer({ id: 't1' }, 'n1', { state: 'stopped', before: paused })).not.toHaveProperty(
      'paused',
    )
  })

  it('says nothing twice', () => {
    const [publish, report] = decide(snapshot({ containers: [container()] }), 0)
    if (publish?.verb !== 'publish' || report?.verb !== 'report') throw new Error('expected publish and report')
    const said = {
      containers: [container()],
      published: new Map([['t1', publish.healthy]]),
      reported: new Map([['t1', { ...report.status, updatedAtMs: 5 }]]),
    }
    expect(decide(snapshot(said), 0)).toEqual([])
  })

  it('knows when the next retry is due', () => {
    const attempts = new Map([
      ['a', { tries: 1, error: '', retryAtMs: 50 }],
      ['b', { tries: 1, error: '', retryAtMs: 200 }],
      ['c', { tries: 4, error: '' }],
      ['d', { tries: 1, error: '', retryAtMs: 150 }],
    ])
    expect(nextDecisionMs({ attempts }, 100)).toBe(150)
    expect(nextDecisionMs({ attempts }, 200)).toBeUndefined()
  })
})

/** A world in which every action does at once what its executor does. */
class World {
  readonly tasks: readonly TaskRecord[]
  containers: SeenContainer[]
  readonly reported: Map<string, TaskStatus>
  readonly published = new Map<string, boolean>()
  #made = 0

  constructor(tasks: readonly TaskRecord[], containers: readonly SeenContainer[], reported: readonly TaskStatus[]) {
    this.tasks = tasks
    this.containers = [...containers]
    this.reported = new Map(reported.map(said => [said.taskId, said]))
  }

  decide(): Action[] {
    const { tasks, containers, reported, published } = this
    return decide(snapshot({ tasks, containers, reported, published }), 0)
  }

  do(action: Action): void {
    switch (action.verb) {
      case 'run':
        return this.#run(action.task)
      case 'stop':
        this.containers = this.containers.map(seen =>
          seen.id === action.container ? { ...seen, status: 'exited', exitCode: 143 } : seen,
        )
        return
      case 'remove':
        this.containers = this.containers.filter(seen => !action.containers.includes(seen.id))
        if (action.release) this.published.delete(action.taskId)
        return
      case 'forget':
        this.reported.delete(action.taskId)
        this.published.delete(action.taskId)
        return
      case 'report':
      case 'conclude':
        this.reported.set(action.taskId, { ...action.status, updatedAtMs: 0 })
        return
      case 'publish':
        this.published.set(action.taskId, action.healthy)
        return
      case 'cancel':
    }
  }

  #run({ id, serviceId, slot }: TaskRecord): void {
    const found = this.containers.find(seen => seen.taskId === id)
    const place = `${serviceId}/${slot}`
    const running = container({ id: found?.id ?? `new${++this.#made}`, taskId: id, place })
    this.containers = [...this.containers.filter(seen => seen.id !== running.id), running]
  }
}

const ids = ['t1', 't2', 't3', 't4']
const worlds = fc
  .record({
    tasks: fc.uniqueArray(
      fc.record({ id: fc.constantFrom(...ids), desired: fc.constantFrom('running', 'stopped'), slot: fc.nat(2) }),
      { selector: task => task.id },
    ),
    containers: fc.array(
      fc.record({
        taskId: fc.constantFrom(...ids),
        status: fc.constantFrom('created', 'running', 'exited', 'restarting', 'paused', 'dead'),
        exitCode: fc.constantFrom(0, 1),
        createdAtMs: fc.nat(5),
      }),
      { maxLength: 6 },
    ),
    reported: fc.uniqueArray(
      fc.record({
        taskId: fc.constantFrom(...ids),
        state: fc.constantFrom<TaskState>('preparing', 'starting', 'running', 'complete', 'failed', 'stopped'),
      }),
      { selector: said => said.taskId },
    ),
  })
  .map(({ tasks, containers, reported }) => {
    const slots = new Map(tasks.map(({ id, slot }) => [id, slot]))
    return new World(
      tasks.map(task => taskRecord(task)),
      containers.map((seen, index) =>
        container({ ...seen, id: `c${index}`, place: `shop.web/${slots.get(seen.taskId) ?? 9}` }),
      ),
      reported.map(said => ({ ...status(said.state), ...said })),
    )
  })

describe('decide, on any world', () => {
  it('does at most one thing to the containers of a task, and none to those that should run', () => {
    fc.assert(
      fc.property(worlds, world => {
        const actions = world
          .decide()
          .filter(({ verb }) => verb !== 'report' && verb !== 'conclude' && verb !== 'publish')
        expect(new Set(actions.map(({ taskId }) => taskId)).size).toBe(actions.length)
        for (const action of actions) {
          const task = world.tasks.find(({ id }) => id === action.taskId)
          const said = world.reported.get(action.taskId)
          const wanted = task?.desired === 'running' && !(said !== undefined && isTerminal(said.state))
          if (action.verb === 'run') expect(wanted).toBe(true)
          if (action.verb === 'stop') expect(wanted).toBe(false)
          if (action.verb === 'remove' && wanted) {
            const left = world.containers.filter(
              seen => seen.taskId === action.taskId && !action.containers.includes(seen.id),
            )
            const hadLife = world.containers.some(seen => seen.taskId === action.taskId && isAlive(seen))
            expect(left).toHaveLength(1)
            expect(left.some(isAlive)).toBe(hadLife)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  it('reaches a state in which nothing is left to do, with what is wanted and nothing else, and no state gone back', () => {
    fc.assert(
      fc.property(worlds, world => {
        const ended = new Map([...world.reported].filter(([, said]) => isTerminal(said.state)))
        let rounds = 0
        for (let actions = world.decide(); actions.length > 0; actions = world.decide()) {
          for (const action of actions) world.do(action)
          expect(++rounds).toBeLessThan(12)
        }
        for (const [id, said] of world.reported) {
          if (ended.has(id)) expect(said.state).toBe(ended.get(id)?.state)
        }
        const wanted = world.tasks.filter(task => {
          const said = world.reported.get(task.id)
          return task.desired === 'running' && !(said !== undefined && isTerminal(said.state))
        })
        const alive = world.containers.filter(isAlive).map(seen => seen.taskId)
        expect(alive.toSorted()).toEqual(wanted.map(task => task.id).toSorted())
        const known = new Set(world.tasks.map(task => task.id))
        expect(world.containers.filter(seen => !known.has(seen.taskId))).toEqual([])
        expect([...world.reported.keys()].filter(id => !known.has(id))).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
