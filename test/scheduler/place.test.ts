import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import { ClusterView, type PlacementRequest, place, reasonLines, summarize } from '../../src/scheduler/index.ts'
import { MIB, node, occupy, request, viewOf } from './fixtures.ts'

const SPREAD = { name: 'spread' } as const
const BINPACK = { name: 'binpack' } as const

function chosen(view: ClusterView, wanted: PlacementRequest, strategy: 'spread' | 'binpack' = 'spread'): string {
  const placement = place(wanted, view, { name: strategy })
  return placement.placed ? placement.node : summarize(placement.refusals)
}

describe('strategies', () => {
  it('break ties by name, whatever order nodes came in', () => {
    expect(chosen(viewOf([node('c'), node('a'), node('b')]), request())).toBe('a')
    expect(chosen(viewOf([node('b'), node('a'), node('c')]), request(), 'binpack')).toBe('a')
  })

  it('without wishes: spread takes the fewest containers, binpack the most', () => {
    const view = viewOf([node('a'), node('b'), node('c')])
    occupy(view, 'a')
    occupy(view, 'b')
    occupy(view, 'b')
    expect(chosen(view, request())).toBe('c')
    expect(chosen(view, request(), 'binpack')).toBe('b')
  })

  it('with wishes: classic Swarm’s whole-number weight decides before the number of containers', () => {
    const view = viewOf([node('a'), node('b')])
    for (let i = 0; i < 5; i++) occupy(view, 'a', { memoryBytes: 10 * MIB })
    occupy(view, 'b', { memoryBytes: 500 * MIB })
    const wanted = request({ memoryBytes: 100 * MIB })
    expect(chosen(view, wanted)).toBe('a')
    expect(chosen(view, wanted, 'binpack')).toBe('b')
  })

  it('weights are cut to whole percents, so less than one percent is a tie', () => {
    const view = viewOf([node('a'), node('b')])
    occupy(view, 'a', { memoryBytes: 105 * MIB })
    occupy(view, 'b', { memoryBytes: 100 * MIB })
    // 205 and 200 of 1,000 MiB are both 20 percent: one container each, so the name decides.
    expect(chosen(view, request({ memoryBytes: 100 * MIB }))).toBe('a')
    occupy(view, 'a', { memoryBytes: 5 * MIB })
    expect(chosen(view, request({ memoryBytes: 100 * MIB }))).toBe('b')
  })

  it('health outweighs resources', () => {
    const view = viewOf([node('a', { health: 60 }), node('b')])
    occupy(view, 'b', { memoryBytes: 800 * MIB })
    expect(chosen(view, request({ memoryBytes: 100 * MIB }))).toBe('b')
    expect(chosen(view, request({ memoryBytes: 100 * MIB }), 'binpack')).toBe('b')
  })

  it('spread puts replicas of one service on different nodes even if one node is emptier', () => {
    const view = viewOf([node('a'), node('b')])
    for (let i = 0; i < 9; i++) occupy(view, 'a')
    const web = request({ serviceId: 'p.web', memoryBytes: MIB })
    const nodes = Array.from({ length: 4 }, () => {
      const name = chosen(view, web)
      occupy(view, name, web)
      return name
    })
    expect(nodes.toSorted()).toEqual(['a', 'a', 'b', 'b'])
  })

  it('random chooses every fitting node about equally often, and never another', () => {
    const view = viewOf([node('a'), node('b'), node('c', { availability: 'drain' }), node('d')])
    const random = seededRandom(7)
    const counts = new Map<string, number>()
    for (let i = 0; i < 3_000; i++) {
      const placement = place(request(), view, { name: 'random', random })
      if (placement.placed) counts.set(placement.node, (counts.get(placement.node) ?? 0) + 1)
    }
    expect([...counts.keys()].sort()).toEqual(['a', 'b', 'd'])
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150)
  })
})

describe('filters', () => {
  it('takes only ready, active nodes', () => {
    const view = viewOf([
      node('a', { ready: false }),
      node('b', { availability: 'pause' }),
      node('c', { availability: 'drain' }),
    ])
    expect(chosen(view, request())).toBe(
      'no node fits: 1 node: node is being drained; 1 node: node is down; 1 node: node is paused',
    )
    view.setNode(node('b'))
    expect(chosen(view, request())).toBe('b')
    view.removeNode('b')
    expect(place(request(), view, SPREAD).placed).toBe(false)
  })

  it('fills a node to the last byte and not beyond; overcommit makes it larger', () => {
    const view = viewOf([node('a')])
    occupy(view, 'a', { memoryBytes: 900 * MIB })
    expect(chosen(view, request({ memoryBytes: 100 * MIB }))).toBe('a')
    expect(chosen(view, request({ memoryBytes: 100 * MIB + 1 }))).toContain('memory 100MiB wanted, 100MiB free')
    const larger = viewOf([node('a')], { overcommit: 0.05 })
    occupy(larger, 'a', { memoryBytes: 900 * MIB })
    expect(chosen(larger, request({ memoryBytes: 150 * MIB }))).toBe('a')
  })

  it('keeps host ports apart by protocol and address', () => {
    const view = viewOf([node('a')])
    occupy(view, 'a', { hostPorts: [{ published: 80, protocol: 'tcp', hostIp: '10.0.0.1' }] })
    const ask = (hostIp: string | undefined, protocol: 'tcp' | 'udp' = 'tcp') =>
      chosen(view, request({ hostPorts: [{ published: 80, protocol, ...(hostIp === undefined ? {} : { hostIp }) }] }))
    expect(ask('10.0.0.2')).toBe('a')
    expect(ask(undefined, 'udp')).toBe('a')
    expect(ask('10.0.0.1')).toContain('port 80/tcp is in use')
    expect(ask(undefined)).toContain('port 80/tcp is in use')
    expect(ask('0.0.0.0')).toContain('port 80/tcp is in use')
  })

  it('goes where the volume is, or nowhere', () => {
    const view = viewOf([node('a'), node('b')])
    view.pinVolume('data', 'b')
    expect(chosen(view, request({ volumes: ['data', 'unpinned'] }))).toBe('b')
    view.setNode(node('b', { ready: false }))
    expect(chosen(view, request({ volumes: ['data'] }))).toBe(
      'no node fits: 1 node: node is down; 1 node: volume data is on b',
    )
    view.pinVolume('data', undefined)
    expect(chosen(view, request({ volumes: ['data'] }))).toBe('a')
  })

  it('keeps the most replicas a node', () => {
    const view = viewOf([node('a'), node('b')])
    const web = request({ serviceId: 'w', replicasPerNodeMax: 1 })
    for (const expected of ['a', 'b']) {
      expect(chosen(view, web)).toBe(expected)
      occupy(view, expected, web)
    }
    expect(chosen(view, web)).toBe('no node fits: 2 nodes: 1 replicas a node at most')
  })

  it('drops soft constraints together when no node fits with them', () => {
    const view = viewOf([node('a', { engineLabels: { zone: 'eu' } }), node('b', { engineLabels: { zone: 'us' } })])
    expect(chosen(view, request({ constraints: ['zone==~us'] }))).toBe('b')
    expect(chosen(view, request({ constraints: ['zone==~us', 'zone==~asia'] }))).toBe('a')
    expect(chosen(view, request({ constraints: ['zone==~asia', 'zone!=eu'] }))).toBe('b')
  })

  it('judges constraints anew when labels change', () => {
    const view = viewOf([node('a'), node('b')])
    const ssd = request({ constraints: ['node.labels.disk==ssd'] })
    expect(chosen(view, ssd)).toBe('no node fits: 2 nodes: constraint node.labels.disk==ssd')
    view.setNode(node('b', { labels: { disk: 'ssd' } }))
    expect(chosen(view, ssd)).toBe('b')
    view.setNode(node('c', { labels: { disk: 'ssd' } }))
    occupy(view, 'b')
    expect(chosen(view, ssd)).toBe('c')
  })

  it('an expression that cannot be read is an obstacle, not a crash', () => {
    expect(chosen(viewOf([node('a')]), request({ constraints: ['nonsense'] }))).toContain(
      'One of operator ==, != is expected',
    )
  })

  it('tells everything that is in the way, most frequent first', () => {
    const view = viewOf([node('a'), node('b'), node('c', { labels: { disk: 'ssd' } })])
    occupy(view, 'b', { memoryBytes: 600 * MIB })
    occupy(view, 'c', { memoryBytes: 900 * MIB })
    const wanted = request({ memoryBytes: 512 * MIB, nanoCpus: 8e9, constraints: ['node.labels.disk==ssd'] })
    const placement = place(wanted, view, BINPACK)
    if (placement.placed) throw new Error('it must not fit')
    expect(reasonLines(placement.refusals)).toEqual([
      '3 nodes: cpu 8 wanted, 4 free',
      '2 nodes: constraint node.labels.disk==ssd',
      '2 nodes: memory 512MiB wanted, at most 400MiB free',
    ])
    expect(placement.refusals.map(refusal => [refusal.node, refusal.obstacles.length])).toEqual([
      ['a', 2],
      ['b', 3],
      ['c', 2],
    ])
    expect(reasonLines([])).toEqual(['the cluster has no nodes: add one with swarm join'])
  })
})

describe('the view', () => {
  it('gives back exactly what was taken', () => {
    const view = viewOf([node('a')])
    const all = { memoryBytes: 1_000 * MIB, nanoCpus: 4e9, hostPorts: [{ published: 80, protocol: 'tcp' as const }] }
    const id = occupy(view, 'a', all)
    expect(place(request(all), view, SPREAD).placed).toBe(false)
    view.release(id)
    view.release(id)
    expect(place(request(all), view, SPREAD).placed).toBe(true)
  })

  it('replaces a reservation of the same id', () => {
    const view = viewOf([node('a'), node('b')])
    view.reserve({ ...request({ memoryBytes: 1_000 * MIB }), id: 'x', node: 'a' })
    view.reserve({ ...request({ memoryBytes: 1_000 * MIB }), id: 'x', node: 'b' })
    expect(chosen(view, request({ memoryBytes: 1_000 * MIB }))).toBe('a')
  })

  it('holds more nodes than it began with', () => {
    const names = Array.from({ length: 300 }, (_, i) => `n${String(i).padStart(3, '0')}`)
    const view = viewOf(names.map(name => node(name)))
    const placed = names.map(() => {
      const name = chosen(view, request({ serviceId: 's', memoryBytes: MIB }))
      occupy(view, name, { serviceId: 's', memoryBytes: MIB })
      return name
    })
    expect(placed).toEqual(names)
  })
})
