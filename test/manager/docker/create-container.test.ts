import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { notFound, unavailable } from '../../../src/core/errors.ts'
import { KeyedLock } from '../../../src/core/keyed-lock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import type { RescheduledContainer } from '../../../src/core/model/rescheduled.ts'
import { seededRandom } from '../../../src/core/random.ts'
import type { ContainerCreateRequest, ContainerInspect, Engine } from '../../../src/docker-api/index.ts'
import { createContainer } from '../../../src/manager/docker/create/create-container.ts'
import { PlacementState } from '../../../src/manager/docker/create/placement-state.ts'
import type { ClusterNodes, NodeEngine } from '../../../src/manager/docker/nodes.ts'
import { ClusterInventory } from '../../../src/manager/inventory/index.ts'
import { EMPTY_SNAPSHOT } from '../../../src/manager/model/snapshot.ts'
import { FILTER_NAMES } from '../../../src/scheduler/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { memberRecord } from '../support.ts'

interface Made {
  readonly node: string
  readonly name: string
  readonly request: ContainerCreateRequest
}

let made: Made[]
/** Creations wait here, so that several are under way at once. */
let hold: Promise<void>
let images: Record<string, string[]>
let names: readonly string[]
/** What the nodes were asked about images: platforms of creations and pulls, in turn. */
let platforms: string[]
let confirmLead: () => Promise<void>
let keep: (record: RescheduledContainer) => Promise<void>
let removed: string[]
/** How creations fail on nodes. */
let failures: Record<string, Error>
/** Nodes that were asked to create, in turn. */
let asked: string[]
let cluster: Cluster | undefined
const random = seededRandom(7)

beforeEach(() => {
  made = []
  hold = Promise.resolve()
  images = {}
  platforms = []
  names = ['n1', 'n2', 'n3']
  confirmLead = async () => {}
  keep = async () => {}
  removed = []
  failures = {}
  asked = []
  cluster = undefined
})
afterEach(() => cluster?.end.abort())

function engineOf(node: string): Engine {
  return stubEngine({
    containers: {
      list: async () => [],
      remove: async id => void removed.push(id),
      inspect: async id => {
        const found = made.find(each => each.node === node && `${node}-${each.name}` === id)
        if (found === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${id}`)
        return inspectOf(id, found.request)
      },
      create: async (request, { name = '', platform }) => {
        asked.push(node)
        await hold
        if (failures[node] !== undefined) throw failures[node]
        if (platform !== undefined) platforms.push(`create ${platform}`)
        if (platform !== undefined && platforms.length === 1) {
          throw notFound('OTHER_PLATFORM', 'image with reference app was found but does not match')
        }
        made.push({ node, name, request })
        return { Id: `${node}-${name}`, Warnings: [] }
      },
    },
    images: {
      list: async () => (images[node] ?? []).map(tag => ({ Id: 'sha256:1', RepoTags: [tag] }) as never),
      pull: async (_reference, options) => {
        platforms.push(`pull ${options.platform}`)
        return 'sha256:1'
      },
    },
  })
}

function inspectOf(Id: string, request: ContainerCreateRequest): ContainerInspect {
  const { HostConfig } = request
  const [, ...name] = Id.split('-')
  const State = { Status: 'created' }
  return { Id, Name: `/${name.join('-')}`, Config: request, State, HostConfig } as unknown as ContainerInspect
}

interface Cluster {
  readonly nodes: ClusterNodes
  readonly state: PlacementState
  readonly locks: KeyedLock
  readonly end: AbortController
}

function makeCluster(): Cluster {
  const clock = new ManualClock()
  const members = new Map(names.map(name => [name, memberRecord(name)]))
  const inventory = new ClusterInventory({
    clock,
    log: silentLog,
    engines: ({ name }) => engineOf(name),
    members: () => members,
    isKnown: () => true,
  })
  const end = new AbortController()
  void inventory.run(end.signal)
  const ready = (): NodeEngine[] =>
    [...members.values()].map(member => ({ name: member.name, member, engine: engineOf(member.name) }))
  const nodes = { ready, clock, inventory } as unknown as ClusterNodes
  const stored = [...members].map(([key, value]) => [key, { key, value, createRevision: 1, modRevision: 1 }] as const)
  const snapshot = { ...EMPTY_SNAPSHOT, members: new Map(stored) }
  const state = new PlacementState({ snapshot: () => snapshot, inventory, overcommit: 0 })
  return { nodes, state, locks: new KeyedLock(), end }
}

function create(
  name: string | undefined,
  request: Partial<ContainerCreateRequest> = {},
  platform?: string,
): Promise<unknown> {
  cluster ??= makeCluster()
  const signal = new AbortController().signal
  const ports = {
    ...cluster,
    random,
    strategy: { name: 'spread' as const },
    filters: FILTER_NAMES,
    confirmLead,
    keep,
    signal,
  }
  return createContainer({ Image: 'app', ...request }, { name, platform }, ports)
}

const nodesOf = (...wanted: string[]): string[] =>
  wanted.map(name => made.find(each => each.name === name)?.node ?? 'nowhere')

describe('a container that is to outlive its node', () => {
  const asked = { Env: ['reschedule:on-node-failure', 'A=1'], HostConfig: { CpuShares: 2 } }

  it('is taken into care with what was asked for', async () => {
    const kept: RescheduledContainer[] = []
    keep = async record => void kept.push(record)
    await create('a', asked)
    await create('b', { Env: ['reschedule:off'] })
    expect(kept).toEqual([
      {
        swarmId: made[0]?.request.Labels?.['com.docker.swarm.id'],
        name: 'a',
        node: made[0]?.node,
        containerId: `${made[0]?.node}-a`,
        running: false,
        request: expect.objectContaining({ Env: ['A=1'], HostConfig: { CpuShares: 2 } }) as object,
        left: [],
      },
    ])
  })

  it('is not made if it cannot be', async () => {
    keep = () => Promise.reject(unavailable('NOT_LEADER', 'This manager does not lead any more; try again'))
    await expect(create('a', asked)).rejects.toMatchObject({ code: 'NOT_LEADER' })
    expect(removed).toEqual([`${made[0]?.node}-a`])
  })
})

it('gives every container an id of the cluster, whatever a client says', async () => {
  const label = 'com.docker.swarm.id'
  await create('a', { Labels: { [label]: 'another container' } })
  expect(made[0]?.request.Labels?.[label]).toMatch(/^[0-9a-f]{64}$/)
})

it('creates nothing once another manager leads, not even after the pull that found out it must', async () => {
  const deposed = unavailable('NOT_LEADER', 'This manager does not lead any more; try again')
  confirmLead = () => Promise.reject(deposed)
  await expect(create('a')).rejects.toBe(deposed)
  confirmLead = async () => {
    if (platforms.length > 0) throw deposed
  }
  await expect(create('a', {}, 'linux/arm64')).rejects.toBe(deposed)
  expect([made, platforms]).toEqual([[], ['create linux/arm64', 'pull linux/arm64']])
})

it('creates for a platform, and pulls the image of that one if the node lacks it', async () => {
  await create('a', {}, 'linux/arm64')
  expect(platforms).toEqual(['create linux/arm64', 'pull linux/arm64', 'create linux/arm64'])
})

describe('expressions of a request', () => {
  it('are taken out of the environment, and kept as labels with an id of the cluster', async () => {
    await create('a', {
      Env: ['A=1', 'constraint:node==n3', 'affinity:container!=b', 'whitelist:node==n2|n3', 'reschedule:off'],
      Labels: { mine: 'x', 'com.docker.swarm.constraints': '["ostype==linux"]' },
    })
    expect(made[0]?.node).toBe('n3')
    expect(made[0]?.request.Env).toEqual(['A=1'])
    expect(made[0]?.request.Labels).toEqual({
      mine: 'x',
      'com.docker.swarm.constraints': '["ostype==linux","node==n3"]',
      'com.docker.swarm.affinities': '["container!=b"]',
      'com.docker.swarm.whitelists': '["node==n2|n3"]',
      'com.docker.swarm.reschedule-policies': '["off"]',
      'com.docker.swarm.id': expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      'shoal.placement': expect.stringContaining('"node":"n3"') as string,
    })
  })

  it.each([
    [{ Env: ['constraint:x==1'] }, "Key 'x' is invalid"],
    [{ Env: ['affinity:container'] }, 'One of operator ==, != is expected'],
    [{ Labels: { 'com.docker.swarm.affinities': 'web' } }, 'expected a JSON list'],
    [{ Env: ['reschedule:off', 'reschedule:on-node-failure'] }, 'too many reschedule policies'],
    [{ Env: ['reschedule:sometimes'] }, 'invalid reschedule policy: sometimes'],
    [{ Env: ['reschedule:always'] }, 'invalid reschedule policy: always'],
    [{ Env: ['affinity:container==none'] }, '[container==none (soft=false)]'],
    [{ HostConfig: { Links: ['db:database'] } }, '[--link=db]'],
  ] as const)('%j is refused', async (request, message) => {
    await expect(create('a', request as Partial<ContainerCreateRequest>)).rejects.toThrow(message)
    expect(made).toEqual([])
  })
})

describe('a container goes', () => {
  it('beside what it shares, whatever is emptier', async () => {
    await create('db', { Env: ['constraint:node==n2'] })
    await create('web', { HostConfig: { Links: ['/db:database'], VolumesFrom: ['db:ro'] } })
    await create('sidecar', { HostConfig: { NetworkMode: 'container:web' } })
    expect(nodesOf('db', 'web', 'sidecar')).toEqual(['n2', 'n2', 'n2'])
  })

  it('where there are CPUs, which an engine counts in parts of all it has', async () => {
    await create('a', { HostConfig: { CpuShares: 2 } })
    expect(made[0]?.request.HostConfig?.CpuShares).toBe(512)
    await expect(create('b', { HostConfig: { CpuShares: 5 } })).rejects.toThrow('no resources available')
  })

  it('where an image is', async () => {
    images = { n3: ['redis:7'] }
    await create('a', { Env: ['affinity:image==redis'] })
    expect(nodesOf('a')).toEqual(['n3'])
  })

  it('apart from others that are only on their way', async () => {
    const gate = Promise.withResolvers<void>()
    hold = gate.promise
    const HostConfig = { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '80' }] } }
    const all = ['a', 'b', 'c', 'd'].map(name => create(name, { HostConfig }))
    const outcome = Promise.allSettled(all)
    await new Promise(setImmediate)
    gate.resolve()
    const states = (await outcome).map(({ status }) => status)
    expect(states.toSorted()).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
    expect(new Set(made.map(({ node }) => node))).toEqual(new Set(names))
  })

  it('evenly over the cluster, a hundred at once', async () => {
    names = Array.from({ length: 10 }, (_, index) => `n${index}`)
    await Promise.all(Array.from({ length: 100 }, (_, index) => create(`c${index}`)))
    const counts = names.map(name => made.filter(({ node }) => node === name).length)
    expect(counts).toEqual(names.map(() => 10))
  })
})

it('never breaks what is asked for, whatever is created at the same time', async () => {
  names = Array.from({ length: 10 }, (_, index) => `n${index}`)
  const port = (HostPort: string) => ({ PortBindings: { '80/tcp': [{ HostIp: '', HostPort }] } })
  const asked = Array.from({ length: 60 }, (_, index) => {
    if (index % 3 === 0) return create(`web${index}`, { HostConfig: port('8080') })
    if (index % 3 === 1) return create(`one${index}`, { Labels: { role: 'one' }, Env: ['affinity:role!=one'] })
    return create(`any${index}`)
  })
  const refused = (await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected')
  const nodesWith = (beginning: string): string[] =>
    made.flatMap(({ name, node }) => (name.startsWith(beginning) ? [node] : [])).toSorted()
  expect(nodesWith('web')).toEqual(names)
  expect(nodesWith('one')).toEqual(names)
  expect(nodesWith('any')).toHaveLength(20)
  expect(refused).toHaveLength(20)
})

describe('a node that cannot be connected to', () => {
  const unsent = unavailable('ENGINE_UNAVAILABLE', 'Cannot connect: connection refused', { details: { sent: false } })

  it('is passed over', async () => {
    failures = { n1: unsent, n2: unsent }
    await create('a')
    expect([asked, nodesOf('a')]).toEqual([['n1', 'n2', 'n3'], ['n3']])
    expect([...(cluster?.state.standalone.reservations().values() ?? [])]).toMatchObject([{ node: 'n3' }])
  })

  it('is passed over three times at most', async () => {
    names = ['n1', 'n2', 'n3', 'n4']
    failures = { n1: unsent, n2: unsent, n3: unsent }
    await expect(create('a')).rejects.toBe(unsent)
    expect(asked).toEqual(['n1', 'n2', 'n3'])
  })

  it('is told of where no other would do', async () => {
    failures = { n2: unsent }
    await expect(create('a', { Env: ['constraint:node==n2'] })).rejects.toBe(unsent)
    expect(cluster?.state.standalone.reservations().size).toBe(0)
  })

  it.each([
    unavailable('ENGINE_UNAVAILABLE', 'Cannot connect: connection reset'),
    unavailable('ENGINE_SILENT', 'It did not answer'),
    unavailable('UNAVAILABLE', 'busy', { details: { answered: true } }),
  ])('is another matter than: $message', async error => {
    failures = { n1: error }
    await expect(create('a')).rejects.toBe(error)
    expect(asked).toEqual(['n1'])
  })
})

describe('what tasks are placed beside', () => {
  const HostConfig = { Memory: 2 ** 30, PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '80' }] } }
  const taken = () => [...(cluster?.state.standalone.reservations().values() ?? [])]

  it('begins with the decision, and is never told to be free while the container is made', async () => {
    const gate = Promise.withResolvers<void>()
    hold = gate.promise
    const creating = create('a', { HostConfig })
    await new Promise(setImmediate)
    const hostPorts = [{ published: 80, protocol: 'tcp', hostIp: '' }]
    expect(taken()).toMatchObject([{ node: 'n1', memoryBytes: 2 ** 30, hostPorts }])
    let freed = 0
    cluster?.state.standalone.onRoom(() => freed++)
    gate.resolve()
    await creating
    expect(taken()).toMatchObject([{ name: 'n1/a', node: 'n1', memoryBytes: 2 ** 30, hostPorts }])
    expect(freed).toBe(0)
  })

  it('is given back, and told so, when it could not be made', async () => {
    const gate = Promise.withResolvers<void>()
    hold = gate.promise
    failures = { n1: unavailable('ENGINE_SILENT', 'It did not answer') }
    const creating = create('a', { HostConfig })
    await new Promise(setImmediate)
    let freed = 0
    cluster?.state.standalone.onRoom(() => freed++)
    gate.resolve()
    await expect(creating).rejects.toThrow('It did not answer')
    expect([taken(), freed]).toEqual([[], 1])
  })

  it('has no containers of tasks in it', async () => {
    made.push({ node: 'n1', name: 'shop-web-1', request: { Image: 'app', Labels: { 'shoal.task.id': 't1' } } })
    await create('a')
    await cluster?.nodes.inventory.refresh('n1', 'n1-shop-web-1')
    expect(cluster?.state.contents().nodesOf('shop-web-1')).toEqual(['n1'])
    expect(taken().map(({ name }) => name)).toEqual(['n1/a'])
  })
})

it('counts the memory that is reserved, and the limit only where nothing is', async () => {
  names = ['n1']
  const GiB = 2 ** 30
  for (const name of ['a', 'b', 'c']) {
    await create(name, { HostConfig: { Memory: 6 * GiB, MemoryReservation: 2 * GiB } })
  }
  await expect(create('d', { HostConfig: { Memory: 6 * GiB } })).rejects.toThrow('no resources available')
  await create('e', { HostConfig: { Memory: 2 * GiB } })
  expect(made.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'e'])
})

it('gives a name once, even to two that ask at once', async () => {
  const [first, second] = await Promise.allSettled([create('same'), create('same')])
  expect([first?.status, second?.status]).toEqual(['fulfilled', 'rejected'])
  await expect(create('same')).rejects.toMatchObject({ status: 409, code: 'NAME_TAKEN' })
  expect(made).toHaveLength(1)
})
