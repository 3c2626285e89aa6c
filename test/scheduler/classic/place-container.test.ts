import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/random.ts'
import {
  ClusterContents,
  type NodeImage,
  type PlacedContainer,
} from '../../../src/scheduler/classic/cluster-contents.ts'
import {
  type ContainerRequest,
  readExpressions,
  type WrittenExpressions,
} from '../../../src/scheduler/classic/container-request.ts'
import { FILTER_NAMES, type FilterName, filtersOf } from '../../../src/scheduler/classic/filters.ts'
import { placeContainer } from '../../../src/scheduler/classic/place-container.ts'
import type { SchedulableNode, Strategy } from '../../../src/scheduler/index.ts'
import { fc } from '../../support/property.ts'
import { MIB, node, occupy, viewOf } from '../fixtures.ts'

interface Lab {
  readonly nodes: readonly SchedulableNode[]
  readonly containers?: Readonly<Record<string, readonly Partial<PlacedContainer>[]>>
  readonly images?: Readonly<Record<string, readonly NodeImage[]>>
}

/** A cluster with these containers; each takes up a place on its node. */
function cluster({ nodes, containers = {}, images = {} }: Lab): ClusterContents {
  const contents = new ClusterContents(viewOf(nodes))
  for (const [name, list] of Object.entries(containers)) {
    for (const one of list) {
      const id = occupy(contents.view, name)
      contents.setContainer(name, {
        id: one.name === undefined ? id : `id-${one.name}`,
        name: '',
        labels: {},
        hostModePorts: [],
        ...one,
      })
    }
  }
  for (const [name, list] of Object.entries(images)) contents.setImages(name, list)
  return contents
}

type Asked = Partial<Omit<ContainerRequest, keyof WrittenExpressions>> & Partial<WrittenExpressions>

function request({ constraints = [], affinities = [], whitelists = [], ...rest }: Asked): ContainerRequest {
  return {
    nanoCpus: 0,
    memoryBytes: 0,
    hostPorts: [],
    hostModePorts: [],
    dependencies: [],
    ...rest,
    ...readExpressions({ constraints, affinities, whitelists }),
  }
}

function placed(
  lab: Lab,
  asked: Asked,
  {
    strategy = { name: 'spread' },
    filters = FILTER_NAMES,
  }: { strategy?: Strategy; filters?: readonly FilterName[] } = {},
): string {
  const placement = placeContainer(request(asked), cluster(lab), { filters: filtersOf(filters), strategy })
  return placement.placed ? placement.node : `! ${placement.message}`
}

const n1 = node('n1', { engineLabels: { storage: 'ssd', region: 'us-east' } })
const n2 = node('n2', { engineLabels: { storage: 'disk', region: 'us-west' } })
const n3 = node('n3', { engineLabels: { storage: 'disk', region: 'eu' } })
const three = { nodes: [n1, n2, n3] }
const web = { name: 'web', labels: { tier: 'front' } }
const redis = { id: 'sha256:aa', tags: ['redis:7', 'registry.test/redis:7'] }

describe('a container goes', () => {
  it.each<[what: string, lab: Lab, asked: Asked, node: string]>([
    ['where the fewest are', { ...three, containers: { n1: [web], n2: [{ name: 'db' }] } }, {}, 'n3'],
    ['where a label says so', three, { constraints: ['storage==ssd'] }, 'n1'],
    ['where a label does not say so', three, { constraints: ['storage!=ssd'] }, 'n2'],
    ['where a pattern says so', three, { constraints: ['region==us*', 'storage!=/^s/'] }, 'n2'],
    ['to a node by its name', three, { constraints: ['node==n3'] }, 'n3'],
    ['where a wish says so', three, { constraints: ['storage==~disk'] }, 'n2'],
    ['elsewhere if a wish cannot be had', three, { constraints: ['storage==~tape'] }, 'n1'],
    ['beside a container', { ...three, containers: { n2: [web] } }, { affinities: ['container==web'] }, 'n2'],
    ['beside a container by id', { ...three, containers: { n2: [web] } }, { affinities: ['container==id-web'] }, 'n2'],
    ['not beside a container', { ...three, containers: { n1: [web] } }, { affinities: ['container!=w*'] }, 'n2'],
    ['beside a label', { ...three, containers: { n3: [web] } }, { affinities: ['tier==front'] }, 'n3'],
    ['where an image is', { ...three, images: { n2: [redis] } }, { affinities: ['image==redis'] }, 'n2'],
    ['where an image is, by its tag', { ...three, images: { n2: [redis] } }, { affinities: ['image==redis:7'] }, 'n2'],
    ['where an image is not', { ...three, images: { n1: [redis] } }, { affinities: ['image!=redis'] }, 'n2'],
    ['to a listed node', three, { whitelists: ['node==n2|n3'] }, 'n2'],
    [
      'to what it depends on',
      { ...three, containers: { n3: [web, { name: 'db' }] } },
      {
        dependencies: [
          { flag: '--link', container: 'web' },
          { flag: '--volumes-from', container: 'db' },
        ],
      },
      'n3',
    ],
    ['where there is memory', { nodes: [node('n1', { memoryBytes: MIB }), n2] }, { memoryBytes: 2 * MIB }, 'n2'],
    ['to no paused node', { nodes: [node('n1', { availability: 'pause' }), n2] }, {}, 'n2'],
    ['to no dead node', { nodes: [node('n1', { ready: false }), n2] }, {}, 'n2'],
    [
      'where a slot is left',
      { nodes: [node('n1', { engineLabels: { containerslots: '1' } }), n2], containers: { n1: [web], n2: [web, web] } },
      {},
      'n2',
    ],
    ['past a number of slots that is none', { nodes: [node('n1', { labels: { containerslots: 'many' } })] }, {}, 'n1'],
    [
      "beside no container with the same port of the host's network",
      { ...three, containers: { n1: [{ name: 'a', hostModePorts: ['80/tcp'] }] } },
      { hostModePorts: ['80/tcp'] },
      'n2',
    ],
  ])('%s', (_what, lab, asked, expected) => expect(placed(lab, asked)).toBe(expected))

  it('where its port is free, protocols apart', () => {
    const contents = cluster({ nodes: [n1, n2] })
    contents.view.reserve({
      id: 'x',
      node: 'n1',
      nanoCpus: 0,
      memoryBytes: 0,
      hostPorts: [{ published: 80, protocol: 'tcp' }],
    })
    const at = (protocol: 'tcp' | 'udp', strategy: Strategy = { name: 'binpack' }) =>
      placeContainer(request({ hostPorts: [{ published: 80, protocol }] }), contents, {
        filters: filtersOf(FILTER_NAMES),
        strategy,
      })
    expect(at('tcp')).toMatchObject({ placed: true, node: 'n2' })
    expect(at('udp')).toMatchObject({ placed: true, node: 'n1' })
  })

  it('where the most are under binpack, and anywhere that fits at random', () => {
    const lab = { ...three, containers: { n2: [web] } }
    expect(placed(lab, {}, { strategy: { name: 'binpack' } })).toBe('n2')
    const random = seededRandom(1)
    const seen = new Set(
      Array.from({ length: 50 }, () =>
        placed(lab, { constraints: ['node!=n2'] }, { strategy: { name: 'random', random } }),
      ),
    )
    expect([...seen].sort()).toEqual(['n1', 'n3'])
  })

  it('by the filters that were chosen only', () => {
    expect(placed(three, { constraints: ['storage==tape'] }, { filters: ['health'] })).toBe('n1')
  })
})

describe('no node is found', () => {
  const nowhere = 'Unable to find a node that satisfies the following conditions '
  it.each<[what: string, lab: Lab, asked: Asked, message: string]>([
    ['in an empty cluster', { nodes: [] }, {}, 'No nodes available in the cluster'],
    ['when all are down', { nodes: [node('n1', { ready: false })] }, {}, 'No healthy node available in the cluster'],
    [
      'when all are paused',
      { nodes: [node('n1', { availability: 'drain' })] },
      {},
      'No node takes new containers: all of them are paused or being drained',
    ],
    [
      'for a constraint, with what was asked for before',
      three,
      { constraints: ['storage==tape'], affinities: ['image!=redis'] },
      `${nowhere}\n[available container slots]\n[image!=redis (soft=false)]\n[storage==tape]`,
    ],
    [
      'for a dependency',
      three,
      { dependencies: [{ flag: '--link', container: 'db' }], constraints: ['storage==ssd'] },
      `${nowhere}\n[available container slots]\n[--link=db]`,
    ],
    [
      'for a list of nodes',
      three,
      { whitelists: ['node==n8|n9'] },
      `${nowhere}\n[available container slots]\n[node==n8|n9 (soft=false)]`,
    ],
    [
      'for a port of a container that shares the network of its host',
      { nodes: [n1], containers: { n1: [{ name: 'a', hostModePorts: ['80/tcp'] }] } },
      { hostModePorts: ['80/tcp'] },
      `${nowhere}\n[port 80/tcp (Host mode)]`,
    ],
    ['for memory', three, { memoryBytes: 2_000 * MIB }, 'no resources available to schedule container'],
  ])('%s', (_what, lab, asked, message) => expect(placed(lab, asked)).toBe(`! ${message}`))

  it('with wishes dropped together, as classic Swarm drops them', () => {
    const wishes = ['storage==~ssd', 'region==~eu']
    expect(placed({ ...three, containers: { n1: [web] } }, { constraints: wishes })).toBe('n2')
  })
})

describe('expressions', () => {
  it.each([
    ['x==1', "Key 'x' is invalid"],
    ['storage=ssd', 'One of operator ==, != is expected'],
    ['storage==', "Value '' is invalid"],
    ['storage==a;b', "Value 'a;b' is invalid"],
    ['storage==/(/', 'Cannot read expression'],
    [`storage==${'a'.repeat(5_000)}`, '4096 characters at most'],
  ])('refuse %s', (text, message) => {
    expect(() => readExpressions({ constraints: [text], affinities: [], whitelists: [] })).toThrow(message)
  })
})

it('never puts two containers with one port on one node, and spreads the rest evenly', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 1, max: 3 })), { maxLength: 30 }), ports => {
      const contents = cluster(three)
      const taken = new Map<string, number>()
      const seen = new Set<string>()
      ports.forEach((published, index) => {
        const hostPorts = published === null ? [] : [{ published, protocol: 'tcp' as const }]
        const placement = placeContainer(request({ hostPorts }), contents, {
          filters: filtersOf(FILTER_NAMES),
          strategy: { name: 'spread' },
        })
        if (!placement.placed) return
        contents.view.reserve({ id: `c${index}`, node: placement.node, nanoCpus: 0, memoryBytes: 0, hostPorts })
        taken.set(placement.node, (taken.get(placement.node) ?? 0) + 1)
        for (const port of hostPorts) {
          expect(seen).not.toContain(`${placement.node}:${port.published}`)
          seen.add(`${placement.node}:${port.published}`)
        }
      })
      if (ports.every(port => port === null)) {
        const counts = three.nodes.map(({ name }) => taken.get(name) ?? 0)
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      }
    }),
  )
})

it('goes to nodes that a network over nodes reaches, those included that joined after it was asked for', () => {
  const contents = cluster({ nodes: [node('n1'), node('n2', { overlay: true })], containers: { n2: [{}, {}] } })
  contents.setNetworks(['shop'])
  const asked = request({ networks: ['shop', 'back'] })
  const place = () => placeContainer(asked, contents, { filters: filtersOf([]), strategy: { name: 'spread' } })
  expect(place()).toMatchObject({ placed: true, node: 'n2' })
  contents.view.setNode(node('n3', { overlay: true }))
  expect(place()).toMatchObject({ placed: true, node: 'n3' })
  for (const name of ['n2', 'n3']) contents.view.removeNode(name)
  expect(place()).toEqual({ placed: false, message: 'No node fits: network shop does not reach the node' })
})

it('names nodes that would do, but for being down or drained', () => {
  const contents = cluster({
    nodes: [node('n1'), node('n2', { availability: 'drain' }), node('n3', { ready: false }), node('n4')],
  })
  const placing = { filters: filtersOf(FILTER_NAMES), strategy: { name: 'spread' } } as const
  const failure = (text: string): unknown => placeContainer(request({ constraints: [text] }), contents, placing)
  const sentence = 'Unable to find a node that satisfies the following conditions \n[available container slots]'
  expect(failure('node==n2')).toEqual({ placed: false, message: `${sentence}\n[node==n2]\nn2: node is being drained` })
  expect(failure('node==n3')).toEqual({ placed: false, message: `${sentence}\n[node==n3]\nn3: node is down` })
  expect(failure('node==n9')).toEqual({ placed: false, message: `${sentence}\n[node==n9]` })
})
