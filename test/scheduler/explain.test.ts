import { describe, expect, it } from 'vitest'
import type { Change } from '../../src/core/model/explanation.ts'
import {
  ClusterContents,
  type ClusterView,
  type ContainerRequest,
  explainContainer,
  explainTask,
  FILTER_NAMES,
  filtersOf,
  type HostPort,
  type PlacementRequest,
  place,
  placeContainer,
  readExpressions,
  type SchedulableNode,
} from '../../src/scheduler/index.ts'
import { fc } from '../support/property.ts'
import { MIB, node, occupy, request, viewOf } from './fixtures.ts'

const SPREAD = { name: 'spread' } as const
const PLACING = { filters: filtersOf(FILTER_NAMES), strategy: SPREAD }

describe('an explanation', () => {
  it('says of every node all that is in the way, with numbers, and the parts of the score of those that will do', () => {
    const view = viewOf([
      node('a', { labels: { disk: 'ssd' } }),
      node('b', { availability: 'pause', ready: false }),
      node('c', { labels: { disk: 'ssd' } }),
      node('d', { labels: { disk: 'ssd' } }),
    ])
    const id = occupy(view, 'a', { memoryBytes: 900 * MIB, hostPorts: [{ published: 80, protocol: 'tcp' }] })
    occupy(view, 'c', { serviceId: 'web', nanoCpus: 1e9 })
    const wanted = request({
      serviceId: 'web',
      nanoCpus: 1e9,
      memoryBytes: 300 * MIB,
      constraints: ['node.labels.disk==ssd'],
      hostPorts: [{ published: 80, protocol: 'tcp' }],
    })
    const { chosen, nodes } = explainTask(wanted, view, SPREAD)
    expect(chosen).toBe('d')
    expect(nodes.map(each => each.node)).toEqual(['d', 'c', 'a', 'b'])
    expect(nodes[0]?.score).toMatchObject({ cpuPercent: 25, memoryPercent: 30, containers: 0, siblings: 0 })
    expect(nodes[1]?.score).toMatchObject({ cpuPercent: 50, memoryPercent: 30, containers: 1, siblings: 1 })
    expect(nodes[2]?.obstacles).toEqual([
      {
        filter: 'memory',
        what: 'memory 300MiB wanted',
        free: 100 * MIB,
        change: { do: 'free', node: 'a', what: 'memory', amount: 200 * MIB },
      },
      {
        filter: 'port',
        what: 'port 80/tcp is in use',
        change: { do: 'free-port', node: 'a', port: '80/tcp', holder: id },
      },
    ])
    expect(nodes[3]?.obstacles.map(({ what }) => what)).toEqual([
      'node is down',
      'node is paused',
      'constraint node.labels.disk==ssd',
    ])
  })

  it.each<[what: string, nodes: SchedulableNode[], wanted: Partial<PlacementRequest>, text: string[]]>([
    ['a constraint', [node('a')], { constraints: ['zone==b'] }, ['drop constraint zone==b']],
    ['memory', [node('a')], { memoryBytes: 900 * MIB }, ['free 400MiB of memory on a']],
    ['more memory than there is', [node('a')], { memoryBytes: 1_100 * MIB }, ['ask for 500MiB of memory at most']],
    [
      'a paused node',
      [node('a', { availability: 'pause' })],
      {},
      ['let node a take containers: swarm node update --availability active a'],
    ],
    ['a dead node', [node('a', { ready: false })], {}, ['bring node a back']],
    ['replicas', [node('a')], { serviceId: 's', replicasPerNodeMax: 1 }, ['allow 2 replicas a node']],
    ['a volume', [node('a')], { volumes: ['data'] }, ['drop volume data']],
    [
      'the node with the least to do',
      [node('a', { ready: false }), node('b', { availability: 'drain' })],
      { memoryBytes: 10 * MIB },
      ['let node b take containers: swarm node update --availability active b'],
    ],
    [
      'two things',
      [node('a')],
      { memoryBytes: 600 * MIB, constraints: ['zone==b'] },
      ['drop constraint zone==b', 'free 100MiB of memory on a'],
    ],
  ])('proposes the smallest change: %s', (_what, nodes, wanted, text) => {
    const view = viewOf(nodes)
    view.pinVolume('data', 'elsewhere')
    occupy(view, 'a', { memoryBytes: 500 * MIB, serviceId: 's' })
    expect(explainTask(request(wanted), view, SPREAD).smallestChange?.text).toEqual(text)
  })

  it('has nothing to propose where there are no nodes', () => {
    expect(explainTask(request(), viewOf([]), SPREAD)).toEqual({ strategy: 'spread', wishesDropped: false, nodes: [] })
  })

  it('tells that wishes were dropped', () => {
    const view = viewOf([node('a')])
    expect(explainTask(request({ constraints: ['zone==~b'] }), view, SPREAD)).toMatchObject({
      chosen: 'a',
      wishesDropped: true,
    })
  })
})

type Asked = Partial<Omit<ContainerRequest, 'constraints' | 'affinities' | 'whitelists'>> & {
  readonly constraints?: readonly string[]
  readonly affinities?: readonly string[]
  readonly whitelists?: readonly string[]
}

function container({ constraints = [], affinities = [], whitelists = [], ...rest }: Asked): ContainerRequest {
  const none = { nanoCpus: 0, memoryBytes: 0, hostPorts: [], hostModePorts: [], dependencies: [] }
  return { ...none, ...rest, ...readExpressions({ constraints, affinities, whitelists }) }
}

it('of a container names every filter that fails', () => {
  const contents = new ClusterContents(viewOf([node('a', { labels: { containerslots: '1' } }), node('b')]))
  occupy(contents.view, 'a')
  contents.setContainer('a', { id: 'c1', name: 'db', labels: {}, hostModePorts: ['80/tcp'] })
  const wanted = container({
    hostModePorts: ['80/tcp'],
    dependencies: [{ flag: '--link', container: 'web' }],
    affinities: ['container!=db', 'image==redis'],
    constraints: ['disk==ssd'],
    whitelists: ['node==b'],
  })
  const { nodes, smallestChange } = explainContainer(wanted, contents, PLACING)
  expect(Object.fromEntries(nodes.map(each => [each.node, each.obstacles.map(({ what }) => what)]))).toEqual({
    a: [
      "port 80/tcp of the host's network is in use",
      'all of 1 container slots are taken',
      '--link=web: no such container',
      'affinity container!=db',
      'affinity image==redis',
      'constraint disk==ssd',
      'whitelist node==b',
    ],
    b: ['--link=web: no such container', 'affinity image==redis', 'constraint disk==ssd'],
  })
  expect(smallestChange).toMatchObject({
    node: 'b',
    text: ['drop dependency --link=web', 'drop affinity image==redis', 'drop constraint disk==ssd'],
  })
})

/** Does to a cluster and a request what a change says. */
function apply(
  change: Change,
  view: ClusterView,
  wanted: PlacementRequest,
  nodes: Map<string, SchedulableNode>,
): PlacementRequest {
  const set = (name: string, over: Partial<SchedulableNode>): void => {
    const after = { ...(nodes.get(name) ?? node(name)), ...over }
    nodes.set(name, after)
    view.setNode(after)
  }
  switch (change.do) {
    case 'start-node':
      set(change.node, { ready: true })
      return wanted
    case 'activate-node':
      set(change.node, { availability: 'active' })
      return wanted
    case 'free':
      view.reserve({
        id: `less-${JSON.stringify(change)}`,
        node: change.node,
        nanoCpus: change.what === 'cpu' ? -change.amount : 0,
        memoryBytes: change.what === 'memory' ? -change.amount : 0,
        hostPorts: [],
      })
      return wanted
    case 'free-port': {
      const held = view.reservation(change.holder)
      if (held !== undefined) view.reserve({ ...held, hostPorts: [] })
      return wanted
    }
    case 'allow-replicas':
      return { ...wanted, replicasPerNodeMax: change.replicas }
    case 'ask-for-less':
      return { ...wanted, ...(change.what === 'cpu' ? { nanoCpus: change.atMost } : { memoryBytes: change.atMost }) }
    case 'drop':
      return {
        ...wanted,
        constraints: wanted.constraints.filter(text => text !== change.text),
        volumes: wanted.volumes.filter(text => text !== change.text),
      }
    case 'free-slot':
      throw new Error('tasks have no slots')
  }
}

const PORTS: readonly HostPort[] = [
  { published: 80, protocol: 'tcp' },
  { published: 80, protocol: 'tcp', hostIp: '10.0.0.1' },
  { published: 80, protocol: 'tcp', hostIp: '10.0.0.2' },
]

interface Case {
  readonly nodes: readonly SchedulableNode[]
  readonly held: readonly (Partial<PlacementRequest> & { readonly at: number })[]
  readonly wanted: PlacementRequest
}

const someCase: fc.Arbitrary<Case> = fc.record({
  nodes: fc
    .array(
      fc.record({
        ready: fc.constantFrom(true, true, false),
        availability: fc.constantFrom('active' as const, 'active' as const, 'pause' as const),
        labels: fc.record({ disk: fc.constantFrom('ssd', 'hdd') }),
      }),
      { minLength: 1, maxLength: 5 },
    )
    .map(list => list.map((over, index) => node(`n${index}`, over))),
  held: fc.array(
    fc.record({
      at: fc.nat(4),
      memoryBytes: fc.integer({ min: 0, max: 400 }).map(count => count * MIB),
      nanoCpus: fc.constantFrom(0, 1e9),
      hostPorts: fc.subarray([...PORTS], { maxLength: 1 }),
      serviceId: fc.constant('s'),
    }),
    { maxLength: 12 },
  ),
  wanted: fc
    .record({
      memoryBytes: fc.integer({ min: 0, max: 1_200 }).map(count => count * MIB),
      nanoCpus: fc.constantFrom(0, 2e9, 5e9),
      constraints: fc.subarray(['disk==ssd', 'node==n1', 'node!=~n2']),
      hostPorts: fc.subarray([...PORTS], { maxLength: 2 }),
      volumes: fc.subarray(['here', 'there']),
      replicasPerNodeMax: fc.constantFrom(1, 2, 9),
      serviceId: fc.constant('s'),
    })
    .map(request),
})

function build({ nodes, held }: Case): ClusterView {
  const view = viewOf(nodes)
  view.pinVolume('here', 'n0')
  view.pinVolume('there', 'n1')
  for (const [index, { at, ...over }] of held.entries()) {
    const name = nodes[at % nodes.length]?.name ?? ''
    view.reserve({ ...request(over), id: `h${index}`, node: name })
  }
  return view
}

describe('the smallest change', () => {
  it('makes the node take the task, and nothing of it can be left out', () => {
    fc.assert(
      fc.property(someCase, given => {
        const { chosen, smallestChange } = explainTask(given.wanted, build(given), SPREAD)
        expect(smallestChange === undefined).toBe(chosen !== undefined)
        if (smallestChange === undefined) return
        const { node: name, changes } = smallestChange
        const takes = (some: readonly Change[]): boolean => {
          const view = build(given)
          const nodes = new Map(given.nodes.map(each => [each.name, each]))
          const wanted = some.reduce((asked, change) => apply(change, view, asked, nodes), given.wanted)
          return explainTask(wanted, view, SPREAD).nodes.find(each => each.node === name)?.obstacles.length === 0
        }
        expect(takes(changes)).toBe(true)
        for (const left of changes) expect(takes(changes.filter(change => change !== left))).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  it('and an explanation chooses what the scheduler does, and finds fault with all others or ranks them behind', () => {
    fc.assert(
      fc.property(someCase, given => {
        const view = build(given)
        const explained = explainTask(given.wanted, view, SPREAD)
        const placement = place(given.wanted, view, SPREAD)
        expect(explained.chosen).toBe(placement.placed ? placement.node : undefined)
        if (placement.placed) {
          const record = placement.record()
          expect(record.score).toEqual(explained.nodes[0]?.score)
          expect(record.others.length).toBeLessThanOrEqual(3)
          expect(explained.nodes.every(each => (each.obstacles.length === 0) === (each.score !== undefined))).toBe(true)
          if (!explained.wishesDropped && given.wanted.constraints.every(text => !text.includes('~'))) {
            const fitting = explained.nodes.filter(each => each.score !== undefined).map(each => each.node)
            expect(record.others.map(each => each.node)).toEqual(fitting.slice(1, 4))
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is the same for containers: what is chosen has no obstacle, and where none is chosen every node has one', () => {
    fc.assert(
      fc.property(someCase, fc.subarray(['container==h0', 'container!=h1', 'tier==~x']), (given, affinities) => {
        const contents = new ClusterContents(build(given))
        for (const [index, { at }] of given.held.entries()) {
          const name = given.nodes[at % given.nodes.length]?.name ?? ''
          contents.setContainer(name, { id: `h${index}`, name: '', labels: {}, hostModePorts: [] })
        }
        const { memoryBytes, nanoCpus, constraints, hostPorts } = given.wanted
        const wanted = container({ memoryBytes, nanoCpus, constraints, hostPorts, affinities })
        const { chosen, nodes } = explainContainer(wanted, contents, PLACING)
        const placement = placeContainer(wanted, contents, PLACING)
        expect(chosen).toBe(placement.placed ? placement.node : undefined)
        expect(nodes.some(each => each.obstacles.length === 0)).toBe(chosen !== undefined)
        if (chosen !== undefined) expect(nodes[0]).toMatchObject({ node: chosen, obstacles: [] })
      }),
      { numRuns: 300 },
    )
  })
})
