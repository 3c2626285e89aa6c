import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ShoalError, unavailable } from '../../../src/core/errors.ts'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock, settle } from '../../../src/core/manual-clock.ts'
import type { MemberRecord } from '../../../src/core/model/node.ts'
import type { ContainerSummary, Engine } from '../../../src/docker-api/index.ts'
import { chooseContainers, toJson } from '../../../src/manager/docker/containers/list-containers.ts'
import { ClusterInventory } from '../../../src/manager/inventory/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { memberRecord } from '../support.ts'
import { type Box, idOf, job, TestNode, web } from './test-node.ts'

let clock: ManualClock
let end: AbortController
let members: Map<string, MemberRecord>
let engines: Map<string, TestNode>

beforeEach(() => {
  clock = new ManualClock(Date.parse('2023-11-15T03:13:20Z'))
  end = new AbortController()
})
afterEach(() => end.abort())

function start(nodes: Readonly<Record<string, TestNode>>, membersKnown?: () => Promise<void>): ClusterInventory {
  members = new Map(Object.keys(nodes).map(name => [name, memberRecord(name)]))
  engines = new Map(Object.entries(nodes))
  const inventory = new ClusterInventory({
    clock,
    log: silentLog,
    engines: ({ name }) => engines.get(name)?.engine ?? stubEngine({}),
    members: () => members,
    isKnown: () => true,
    ...(membersKnown === undefined ? {} : { membersKnown }),
  })
  void inventory.run(end.signal)
  return inventory
}

async function follow(nodes: Readonly<Record<string, TestNode>>): Promise<ClusterInventory> {
  const inventory = start(nodes)
  await clock.advance(100)
  return inventory
}

/** Whether it is done, told when it is asked. */
function watched(work: Promise<unknown>): { isDone: boolean } {
  const seen = { isDone: false }
  void work.then(() => (seen.isDone = true))
  return seen
}

/** One whose list waits until the test lets it go on. */
function held(boxes: Box[]): { readonly node: TestNode; readonly release: () => void } {
  const node = new TestNode(boxes)
  const { containers } = node.engine
  const gate = Promise.withResolvers<void>()
  const list: typeof containers.list = async options => {
    await gate.promise
    return containers.list(options)
  }
  return {
    node: Object.assign(node, { engine: { ...node.engine, containers: { ...containers, list } } }),
    release: gate.resolve,
  }
}

const ALL = { all: true, limit: 0, filters: {} }
const ps = (
  inventory: ClusterInventory,
  options: Partial<typeof ALL> & { filters?: Record<string, string[]> } = {},
) => {
  const shown = JSON.parse(
    toJson(chooseContainers({ ...ALL, ...options }, inventory, clock.nowMs())).toString(),
  ) as ContainerSummary[]
  return shown.map(({ Names, Status }) => `${Names[0]} ${Status}`).sort()
}

describe('what lies on the nodes', () => {
  it('is listed with what only an inspected container tells', async () => {
    const inventory = await follow({ n1: new TestNode([web()]), n2: new TestNode([job()]) })
    expect(ps(inventory)).toEqual(['/n1/web Up 5 hours', '/n2/job Exited (3) 5 hours ago'])
    expect(ps(inventory, { all: false })).toEqual(['/n1/web Up 5 hours'])
    expect(inventory.find('web')[0]?.details).toMatchObject({ nanoCpus: 1e9, memoryBytes: 1024 })
  })

  it.each([
    [{ name: ['we'] }, ['web']],
    [{ name: ['n2/job'] }, ['job']],
    [{ id: ['bb'] }, ['job']],
    [{ label: ['tier=front'] }, ['web']],
    [{ status: ['exited'] }, ['job']],
    [{ exited: ['3'] }, ['job']],
    [{ exited: ['0'] }, []],
    [{ node: ['n1'] }, ['web']],
    [{ ancestor: ['app:1'] }, ['web', 'job']],
    [{ since: ['web'] }, []],
    [{ health: ['healthy'] }, []],
    [{ volume: ['data'] }, []],
    [{ network: ['back'] }, []],
    [{ publish: ['80'] }, []],
  ] as const)('%j is filtered by what is known', async (filters, names) => {
    const inventory = await follow({ n1: new TestNode([web()]), n2: new TestNode([job()]) })
    const shown = ps(inventory, { filters: filters as unknown as Record<string, string[]> })
    expect(shown.map(line => /\/n\d\/(\w+)/.exec(line)?.[1])).toEqual(names)
  })

  it('refuses a filter that docker does not know, and a container that there is not', async () => {
    const inventory = await follow({ n1: new TestNode([web()]) })
    expect(() => ps(inventory, { filters: { colour: ['red'] } })).toThrow("Invalid filter 'colour'")
    expect(() => ps(inventory, { filters: { since: ['nope'] } })).toThrow('No such container: nope')
  })

  it('is never older than what the node has told: who asks waits until it was read', async () => {
    const node = new TestNode([web()])
    const inventory = await follow({ n1: node })
    node.boxes = [{ ...web(), status: 'exited', exitCode: 9 }]
    node.tell('die', idOf('aa'))
    await settle()
    await inventory.settled()
    expect(ps(inventory)).toEqual(['/n1/web Exited (9) 5 hours ago'])
  })

  it('is not shown on a host that is down once it was made anew elsewhere, if it had asked for that', async () => {
    const marked = (name: string, more: object = {}): Box => {
      const labels = { 'com.docker.swarm.id': `id-${name}`, ...more }
      return { id: idOf(name), name, status: 'running', labels }
    }
    const policy = { 'com.docker.swarm.reschedule-policies': '["on-node-failure"]' }
    const n2 = new TestNode([])
    const inventory = await follow({ n1: new TestNode([marked('aa', policy), marked('bb')]), n2 })
    members = new Map([...members].filter(([name]) => name !== 'n1'))
    await clock.advance(2_000)
    expect(ps(inventory)).toEqual(['/n1/aa Host Down', '/n1/bb Host Down'])
    n2.boxes = ['aa', 'bb'].map(name => ({ ...marked(name, policy), id: idOf(`c${name}`) }))
    for (const { id } of n2.boxes) n2.tell('create', id)
    await clock.advance(100)
    expect(ps(inventory)).toEqual(['/n1/bb Host Down', '/n2/aa Up 5 hours', '/n2/bb Up 5 hours'])
    members = new Map(members).set('n1', memberRecord('n1'))
    await clock.advance(2_000)
    expect(ps(inventory).filter(line => line.startsWith('/n1'))).toEqual(['/n1/aa Up 5 hours', '/n1/bb Up 5 hours'])
  })

  it('is asked once for a container that was read before its node told of it', async () => {
    const node = new TestNode([])
    const inventory = await follow({ n1: node })
    node.boxes = [web()]
    await inventory.refresh('n1', idOf('aa'))
    node.tell('create', idOf('aa'))
    await clock.advance(100)
    expect([node.inspects, ps(inventory)]).toEqual([1, ['/n1/web Up 5 hours']])
    node.tell('start', idOf('aa'))
    await clock.advance(100)
    expect(node.inspects).toBe(2)
  })

  it('is asked once for many events in a row', async () => {
    const node = new TestNode([web()])
    await follow({ n1: node })
    const before = node.inspects
    for (const action of ['die', 'start', 'die', 'start']) node.tell(action, idOf('aa'))
    await clock.advance(100)
    expect(node.inspects - before).toBe(1)
  })

  it('is made good by the next full list where an event was lost', async () => {
    const node = new TestNode([web(), job()])
    const inventory = await follow({ n1: node })
    node.boxes = [{ ...web(), status: 'exited' }]
    await clock.advance(61_000)
    expect(ps(inventory)).toEqual(['/n1/web Exited (0) 5 hours ago'])
  })

  it('shows what was done through us at once, whatever the node tells', async () => {
    const node = new TestNode([web()])
    const inventory = await follow({ n1: node })
    node.boxes = [{ ...web(), name: 'renamed' }]
    await inventory.refresh('n1', idOf('aa'))
    expect(inventory.named('web')).toEqual([])
    expect(inventory.find('n1/renamed')).toHaveLength(1)
    node.boxes = []
    await inventory.refresh('n1', idOf('aa'))
    expect(ps(inventory)).toEqual([])
  })
})

describe('the beginning', () => {
  it('is over when every node was read, so that nobody takes a part for all', async () => {
    const late = held([job()])
    const inventory = start({ n1: new TestNode([web()]), n2: late.node })
    const begun = watched(inventory.begun())
    await clock.advance(2_000)
    expect(begun.isDone).toBe(false)
    late.release()
    await settle()
    expect(begun.isDone).toBe(true)
    expect(ps(inventory)).toEqual(['/n1/web Up 5 hours', '/n2/job Exited (3) 5 hours ago'])
  })

  it('waits until it is known who the nodes are', async () => {
    const known = Promise.withResolvers<void>()
    const inventory = start({ n1: new TestNode([web()]) }, () => known.promise)
    const begun = watched(inventory.begun())
    await settle()
    expect(begun.isDone).toBe(false)
    known.resolve()
    await settle()
    expect(begun.isDone).toBe(true)
  })

  it('does not wait for a node that cannot be reached', async () => {
    const broken = new TestNode([])
    broken.failure = unavailable('ENGINE_UNAVAILABLE', 'Cannot connect: connection refused')
    const inventory = start({ n1: new TestNode([web()]), n2: broken })
    const begun = watched(inventory.begun())
    await settle()
    expect(begun.isDone).toBe(true)
  })

  it.each([
    ['is silent', undefined],
    ['and the store are silent', () => new Promise<void>(() => {})],
  ])('ends though a node %s', async (_what, membersKnown) => {
    const inventory = start({ n1: new TestNode([web()]), n2: held([]).node }, membersKnown)
    const begun = watched(inventory.begun())
    await clock.advance(5_000)
    expect(begun.isDone).toBe(true)
  })

  it('of a node that fails while it is waited for lets who waits go on', async () => {
    const inventory = await follow({ n1: new TestNode([web()]) })
    const broken = new TestNode([])
    broken.failure = unavailable('ENGINE_UNAVAILABLE', 'Cannot connect: connection refused')
    engines.set('n2', broken)
    members = new Map([...members, ['n2', memberRecord('n2')]])
    const settled = watched(inventory.settled())
    await settle()
    expect(settled.isDone).toBe(true)
  })
})

describe('a node', () => {
  it('that does not answer is named with the reason, and its containers are shown as Host Down until it does', async () => {
    const node = new TestNode([web()])
    const inventory = await follow({ n1: node, n2: new TestNode([job()]) })
    node.failure = unavailable('ENGINE_UNAVAILABLE', 'Cannot connect: connection refused')
    await clock.advance(61_000)
    expect(inventory.node('n1')).toMatchObject({ condition: 'broken', error: 'Cannot connect: connection refused' })
    expect(ps(inventory)).toEqual(['/n1/web Host Down', '/n2/job Exited (3) 5 hours ago'])
    expect(ps(inventory, { all: false })).toEqual([])
    node.failure = undefined
    await clock.advance(11_000)
    expect(inventory.node('n1')?.condition).toBe('live')
    expect(ps(inventory, { all: false })).toEqual(['/n1/web Up 5 hours'])
  })

  it('whose lease has ended is down, and as it is when it returns', async () => {
    const node = new TestNode([web()])
    const inventory = await follow({ n1: node })
    const before = members
    members = new Map()
    expect(inventory.node('n1')).toMatchObject({ condition: 'down', error: 'Its lease has ended' })
    expect(ps(inventory)).toEqual(['/n1/web Host Down'])
    node.boxes = [job()]
    members = new Map(before)
    await clock.advance(1_100)
    expect(ps(inventory)).toEqual(['/n1/job Exited (3) 5 hours ago'])
  })

  it.each([
    ['no list', { message: 'hello' }],
    ['lines without an id', [{}]],
    ['lines that are null', [null]],
    ['containers without a name', [{ Id: 'x' }]],
    ['more than any host has', Array.from({ length: 20_001 }, (_, index) => ({ Id: String(index), Names: ['/x'] }))],
  ])('that answers with %s is set apart, and others are not', async (_what, garbage) => {
    const liar = new TestNode([])
    liar.garbage = garbage
    const inventory = await follow({ n1: liar, n2: new TestNode([web()]) })
    expect(inventory.node('n1')).toMatchObject({
      condition: 'broken',
      error: expect.stringMatching(/^The engine/) as string,
    })
    expect(inventory.node('n2')?.condition).toBe('live')
    expect(inventory.find('web')).toHaveLength(1)
  })

  it('that lists others each time, and describes none, fills no memory: what it lists no more is gone', async () => {
    const node = new TestNode([web()])
    const inventory = await follow({ n1: node })
    node.refusal = new ShoalError('ENGINE_REFUSED', 500, 'no', { details: { answered: true } })
    for (let turn = 0; turn < 3; turn++) {
      node.boxes = Array.from({ length: 5 }, (_, index) => ({ ...job(), id: idOf(`c${turn}${index}`) }))
      await clock.advance(61_000)
    }
    expect(inventory.containers().map(({ id }) => id)).toEqual(node.boxes.map(({ id }) => id))
    expect(inventory.node('n1')?.containers.size).toBe(5)
  })

  it('that never answers is known to be silent after its deadline, and asked again', async () => {
    const silent = new TestNode([web()])
    const stuck: Engine = {
      ...silent.engine,
      containers: { ...silent.engine.containers, list: () => new Promise(() => {}) },
    }
    const node = Object.assign(new TestNode([]), { engine: stuck })
    const inventory = await follow({ n1: node, n2: new TestNode([job()]) })
    expect(inventory.node('n1')?.condition).toBe('reading')
    await clock.advance(4_000)
    expect(inventory.node('n1')).toMatchObject({
      condition: 'broken',
      error: expect.stringMatching(/within 4 s/) as string,
    })
    expect(inventory.node('n2')?.condition).toBe('live')
  })

  it('that tells events without end is read at leisure, and named', async () => {
    const node = new TestNode([web()])
    node.endless = true
    const inventory = await follow({ n1: node, n2: new TestNode([job()]) })
    await clock.advance(2_000)
    const { told } = node
    expect(inventory.node('n1')).toMatchObject({
      condition: 'broken',
      error: expect.stringMatching(/without end/) as string,
    })
    await clock.advance(3_000)
    expect(node.told - told).toBeLessThan(3_000)
    expect(inventory.node('n2')?.condition).toBe('live')
  })
})
