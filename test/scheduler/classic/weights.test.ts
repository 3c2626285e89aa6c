import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/random.ts'
import {
  ClusterContents,
  type ContainerRequest,
  FILTER_NAMES,
  filtersOf,
  placeContainer,
  type SchedulableNode,
  type Strategy,
} from '../../../src/scheduler/index.ts'
import { MIB, node, viewOf } from '../fixtures.ts'

/** CPUs and MiB. */
type Load = readonly [cpus: number, memory: number]

const SPREAD = { name: 'spread' } as const
const BINPACK = { name: 'binpack' } as const

function request([cpus, memory]: Load, more: Partial<ContainerRequest> = {}): ContainerRequest {
  return {
    nanoCpus: cpus * 1e9,
    memoryBytes: memory * MIB,
    hostPorts: [],
    hostModePorts: [],
    dependencies: [],
    constraints: [],
    affinities: [],
    whitelists: [],
    ...more,
  }
}

function cluster(
  nodes: readonly SchedulableNode[],
  loads: readonly (readonly Load[])[],
  overcommit = 0,
): ClusterContents {
  const view = viewOf(nodes, { overcommit })
  for (const [index, held] of loads.entries()) {
    for (const [number, [cpus, memory]] of held.entries()) {
      const name = nodes[index]?.name ?? ''
      const id = `${name}-${number}`
      view.reserve({ id, node: name, nanoCpus: cpus * 1e9, memoryBytes: memory * MIB, hostPorts: [] })
    }
  }
  return new ClusterContents(view)
}

function place(contents: ClusterContents, asked: ContainerRequest, strategy: Strategy) {
  const placement = placeContainer(asked, contents, { filters: filtersOf(FILTER_NAMES), strategy })
  return placement.placed ? { node: placement.node, score: placement.record().score } : placement.message
}

const NO_ROOM = 'no resources available to schedule container'
const small = (name: string, over: Partial<SchedulableNode> = {}): SchedulableNode =>
  node(name, { nanoCpus: 4e9, memoryBytes: 1_000 * MIB, ...over })

describe("classic Swarm's weights, in whole numbers", () => {
  // (used + wanted) * 100 / total, cut; 100 where nothing is asked for.
  it.each<[used: Load, wanted: Load, cpu: number | undefined, memory: number | undefined]>([
    [[0, 0], [1, 0], 25, undefined],
    [[0, 0], [0, 100], undefined, 10],
    [[1, 0], [2, 0], 75, undefined],
    [[3, 0], [1, 0], 100, undefined],
    [[0, 99], [0, 100], undefined, 19],
    [[0, 101], [0, 108], undefined, 20],
    [[0, 0], [0, 1], undefined, 0],
    [[0.5, 333], [0.25, 333], 18, 66],
    [[1, 500], [3, 500], 100, 100],
  ])('used %j, wanted %j: %s %% and %s %%', (used, wanted, cpu, memory) => {
    const placed = place(cluster([small('a')], [[used]]), request(wanted), SPREAD)
    if (typeof placed === 'string') throw new Error(placed)
    expect([placed.score.cpuPercent, placed.score.memoryPercent]).toEqual([cpu, memory])
  })

  it.each<[what: string, used: Load, wanted: Load, how: { overcommit?: number; fits: boolean }]>([
    ['to the last byte', [0, 999], [0, 1], { fits: true }],
    ['not a byte more', [0, 999], [0, 1.001], { fits: false }],
    ['not a CPU more', [4, 0], [1, 0], { fits: false }],
    ['five percent more memory', [0, 1_000], [0, 50], { overcommit: 0.05, fits: true }],
    ['and not six', [0, 1_000], [0, 51], { overcommit: 0.05, fits: false }],
    ['five percent of four CPUs is none', [4, 0], [0.1, 0], { overcommit: 0.05, fits: false }],
    ['half of four CPUs is two', [4, 0], [2, 0], { overcommit: 0.5, fits: true }],
    ['less than all: a part is kept back', [0, 800], [0, 150], { overcommit: -0.1, fits: false }],
    ['what asks for nothing always fits', [4, 1_000], [0, 0], { fits: true }],
  ])('a node is filled %s', (_what, used, wanted, { overcommit, fits }) => {
    const placed = place(cluster([small('a')], [[used]], overcommit), request(wanted), BINPACK)
    expect(placed).toEqual(fits ? expect.objectContaining({ node: 'a' }) : NO_ROOM)
  })

  it.each<[what: string, loads: Load[][], wanted: Load, nodes: { spread: string; binpack: string }]>([
    [
      'fewest or most containers where nothing is asked for',
      [
        [[0, 0]],
        [],
        [
          [0, 0],
          [0, 0],
        ],
      ],
      [0, 0],
      { spread: 'b', binpack: 'c' },
    ],
    [
      'least or greatest weight first',
      [
        [[1, 0]],
        [
          [2, 0],
          [0, 0],
        ],
        [
          [0, 0],
          [0, 0],
          [0, 0],
        ],
      ],
      [1, 0],
      { spread: 'c', binpack: 'b' },
    ],
    [
      'then containers',
      [
        [
          [1, 0],
          [0, 0],
        ],
        [[1, 0]],
        [
          [0, 0],
          [1, 0],
        ],
      ],
      [1, 0],
      { spread: 'b', binpack: 'a' },
    ],
    ['then names', [[[1, 0]], [[1, 0]], [[1, 0]]], [1, 0], { spread: 'a', binpack: 'a' }],
    ['CPUs and memory together', [[[2, 100]], [[1, 900]], [[0, 400]]], [1, 50], { spread: 'c', binpack: 'b' }],
    ['what is too full is not there', [[[4, 0]], [[3, 0]], [[2, 0]]], [2, 0], { spread: 'c', binpack: 'c' }],
  ])('order: %s', (_what, loads, wanted, { spread, binpack }) => {
    const contents = cluster([small('a'), small('b'), small('c')], loads)
    expect(place(contents, request(wanted), SPREAD)).toMatchObject({ node: spread })
    expect(place(contents, request(wanted), BINPACK)).toMatchObject({ node: binpack })
  })

  it('health outweighs all resources, and none is not healthy', () => {
    const nodes = [small('a', { health: 34 }), small('b', { health: 67 }), small('c', { health: 0 })]
    const contents = cluster(nodes, [[], [[3, 900]], []])
    expect(place(contents, request([1, 50]), SPREAD)).toMatchObject({ node: 'b' })
    expect(place(contents, request([1, 50]), BINPACK)).toMatchObject({ node: 'b' })
    expect(place(cluster([small('c', { health: 0 })], []), request([0, 0]), SPREAD)).toBe(
      'No healthy node available in the cluster',
    )
  })

  it('random looks at no resources, and repeats itself with its seed', () => {
    const contents = cluster([small('a'), small('b'), small('c')], [[[9, 9_000]]])
    const draw = (seed: number) => {
      const random = seededRandom(seed)
      return Array.from({ length: 300 }, () => place(contents, request([1, 1]), { name: 'random', random }))
    }
    expect(draw(1)).toEqual(draw(1))
    const nodes = draw(2).map(placed => (typeof placed === 'string' ? placed : placed.node))
    for (const name of ['a', 'b', 'c']) expect(nodes.filter(each => each === name).length).toBeGreaterThan(60)
  })
})

describe('beyond classic Swarm, for who asks for it', () => {
  const zones = ['x', 'y', 'z'].map((zone, index) =>
    small(`n${index}`, { labels: { zone, disk: index > 0 ? 'ssd' : 'hdd' } }),
  )

  it('wishes count one by one', () => {
    const contents = cluster(zones, [[], [[0, 0]], []])
    const constraints = ['zone==~none', 'disk==~ssd', 'zone==~y']
    expect(place(contents, request([0, 0], { constraints }), SPREAD)).toMatchObject({ node: 'n0' })
    expect(place(contents, request([0, 0], { constraints }), { ...SPREAD, wishes: 'score' })).toMatchObject({
      node: 'n1',
      score: { missedWishes: 1 },
    })
  })

  it('a node that has the image is worth some containers, and no more', () => {
    const contents = cluster(zones, [
      [],
      [
        [0, 0],
        [0, 0],
      ],
      [],
    ])
    contents.setImages('n1', [{ id: 'sha256:1', tags: ['app:1'] }])
    const strategy = (imageLocality: number) => ({ ...SPREAD, imageLocality })
    const asked = request([0, 0], { image: 'app:1' })
    expect(place(contents, asked, SPREAD)).toMatchObject({ node: 'n0' })
    expect(place(contents, asked, strategy(2))).toMatchObject({ node: 'n0', score: { lacksImage: true } })
    expect(place(contents, asked, strategy(3))).toMatchObject({ node: 'n1' })
    expect(place(contents, request([0, 0], { image: 'other' }), strategy(3))).toMatchObject({ node: 'n0' })
    expect(place(contents, request([1, 100], { image: 'app:1' }), strategy(3))).toMatchObject({ node: 'n1' })
  })

  it('a named volume is where it is', () => {
    const contents = cluster(zones, [[], [[0, 0]], []])
    contents.setVolumes('n1', ['data'])
    const asked = request([0, 0], { volumes: ['data', 'new'] })
    expect(place(contents, asked, SPREAD)).toMatchObject({ node: 'n0' })
    for (const volumeLocality of ['prefer', 'require'] as const) {
      expect(place(contents, asked, { ...SPREAD, volumeLocality })).toMatchObject({ node: 'n1' })
    }
    const apart = request([0, 0], { volumes: ['data'], constraints: ['node!=n1'] })
    expect(place(contents, apart, { ...SPREAD, volumeLocality: 'prefer' })).toMatchObject({ node: 'n0' })
    expect(place(contents, apart, { ...SPREAD, volumeLocality: 'require' })).toBe('No node fits: volume data is on n1')
  })
})
