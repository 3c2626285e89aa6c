import { expect, it } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import {
  ClusterView,
  type HostPort,
  type PlacementRequest,
  place,
  type SchedulableNode,
} from '../../src/scheduler/index.ts'
import { fc } from '../support/property.ts'
import { MIB, node, request } from './fixtures.ts'
import { type Held, type PlainHow, placePlainly } from './plain-placement.ts'

/** Enough that a search may give up looking for the best in order. */
const NAMES = Array.from({ length: 40 }, (_, index) => `n${index}`)

const TCP_80 = { published: 80, protocol: 'tcp' } as const

const name = fc.constantFrom(...NAMES)
const someNode: fc.Arbitrary<SchedulableNode> = fc
  .record({
    name,
    ready: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    availability: fc.constantFrom('active' as const, 'active' as const, 'active' as const, 'drain' as const),
    labels: fc.record({ disk: fc.constantFrom('ssd', 'hdd'), zone: fc.constantFrom('a', 'b', 'c') }),
    nanoCpus: fc.integer({ min: 1, max: 8 }).map(count => count * 1e9),
    memoryBytes: fc.integer({ min: 10, max: 100 }).map(count => count * MIB),
    health: fc.constantFrom(100, 100, 67),
  })
  .map(fields => node(fields.name, fields))

const wish: fc.Arbitrary<PlacementRequest> = fc
  .record({
    nanoCpus: fc.constantFrom(0, 0, 5e8, 1e9),
    memoryBytes: fc.constantFrom(0, 0, MIB, 7 * MIB),
    serviceId: fc.constantFrom('x', 'y', undefined),
    constraints: fc.oneof(
      { weight: 4, arbitrary: fc.constant<string[]>([]) },
      { weight: 3, arbitrary: fc.subarray(['node.labels.disk==ssd', 'zone!=a', 'zone==~b'], { maxLength: 2 }) },
      {
        weight: 1,
        arbitrary: fc.subarray(['node.hostname!=~n1', 'node==/n[0-9]?[1357]$/', 'node==n3', 'zone==~none']),
      },
    ),
    hostPorts: fc.oneof(
      { weight: 4, arbitrary: fc.constant<HostPort[]>([]) },
      { weight: 1, arbitrary: fc.subarray<HostPort>([TCP_80, { published: 53, protocol: 'udp' }]) },
    ),
    replicasPerNodeMax: fc.constantFrom(undefined, undefined, 1),
    volumes: fc.constantFrom([], [], [], ['data']),
  })
  .map(({ serviceId, replicasPerNodeMax, ...rest }) =>
    request({
      ...rest,
      ...(serviceId === undefined ? {} : { serviceId }),
      ...(replicasPerNodeMax === undefined || serviceId === undefined ? {} : { replicasPerNodeMax }),
    }),
  )

type Delta =
  | { readonly do: 'join'; readonly node: SchedulableNode }
  | { readonly do: 'leave'; readonly name: string }
  | { readonly do: 'place'; readonly wanted: PlacementRequest; readonly how: PlainHow; readonly count: number }
  | { readonly do: 'end'; readonly which: number }
  | { readonly do: 'pin'; readonly node: string | undefined }

const how: fc.Arbitrary<PlainHow> = fc.record({
  name: fc.constantFrom('spread' as const, 'binpack' as const),
  wishes: fc.constantFrom('drop' as const, 'score' as const),
})
const delta: fc.Arbitrary<Delta> = fc.oneof(
  { weight: 4, arbitrary: someNode.map((one): Delta => ({ do: 'join', node: one })) },
  { weight: 1, arbitrary: name.map((one): Delta => ({ do: 'leave', name: one })) },
  {
    weight: 6,
    arbitrary: fc
      .record({ wanted: wish, how, count: fc.integer({ min: 1, max: 30 }) })
      .map((fields): Delta => ({ do: 'place', ...fields })),
  },
  { weight: 3, arbitrary: fc.nat(1_000).map((which): Delta => ({ do: 'end', which })) },
  { weight: 1, arbitrary: fc.option(name, { nil: undefined }).map((one): Delta => ({ do: 'pin', node: one })) },
)

/** A cluster's history as lists, and the view that was kept up to date with it. */
class Lab {
  readonly view = new ClusterView()
  readonly nodes = new Map<string, SchedulableNode>()
  readonly volumes = new Map<string, string>()
  held: Held[] = []
  #count = 0

  apply(step: Delta): void {
    if (step.do === 'join') {
      this.nodes.set(step.node.name, step.node)
      this.view.setNode(step.node)
    } else if (step.do === 'leave') {
      this.nodes.delete(step.name)
      this.view.removeNode(step.name)
    } else if (step.do === 'end') {
      const ended = this.held[step.which % Math.max(1, this.held.length)]
      this.held = this.held.filter(each => each !== ended)
      if (ended !== undefined) this.view.release(ended.id)
    } else if (step.do === 'pin') {
      this.view.pinVolume('data', step.node)
      if (step.node === undefined) this.volumes.delete('data')
      else this.volumes.set('data', step.node)
    } else {
      for (let index = 0; index < step.count; index++) this.#place(step.wanted, step.how)
    }
  }

  #place(wanted: PlacementRequest, strategy: PlainHow): void {
    const placement = place(wanted, this.view, strategy)
    const chosen = placement.placed ? placement.node : undefined
    const plain = { nodes: [...this.nodes.values()], held: this.held, volumes: this.volumes }
    expect(chosen).toBe(placePlainly(wanted, plain, strategy))
    if (!placement.placed) {
      // Whatever hinders is said, of every node.
      expect(placement.refusals.map(refusal => refusal.node)).toEqual([...this.nodes.keys()].sort())
      expect(placement.refusals.every(refusal => refusal.obstacles.length > 0)).toBe(true)
      return
    }
    const held = { ...wanted, id: `t${this.#count++}`, node: placement.node }
    this.held.push(held)
    this.view.reserve(held)
  }

  /** The same cluster as one who hears of it now sees it. */
  rebuilt(): ClusterView {
    const fresh = new ClusterView()
    for (const one of this.nodes.values()) fresh.setNode(one)
    for (const [volume, where] of this.volumes) fresh.pinVolume(volume, where)
    for (const one of this.held) fresh.reserve(one)
    return fresh
  }
}

/** All that a view says of its nodes, by name. */
function shown(view: ClusterView, constraints: readonly string[]): unknown {
  const { usedCpus, usedMemory, containers, totalCpus, totalMemory, open } = view.figures()
  return Array.from(view.slotsByName(), slot => [
    view.node(slot)?.name,
    [usedCpus, usedMemory, containers, totalCpus, totalMemory, open].map(figures => figures[slot]),
    constraints.map(text => view.mask(text).holds[slot]),
    ['x', 'y'].map(service => view.siblings(service).counts.get(slot) ?? 0),
    view.portConflict(slot, TCP_80) === undefined,
    view.slotOf(view.node(slot)?.name ?? '') === slot,
  ])
}

it('a view kept up to date is the one that would be made anew, and chooses what the plain rules choose', () => {
  fc.assert(
    fc.property(fc.array(delta, { maxLength: 60, size: 'max' }), steps => {
      const lab = new Lab()
      for (const step of steps) lab.apply(step)
      const constraints = ['node.labels.disk==ssd', 'zone!=a', 'node==n3', 'broken']
      expect(shown(lab.view, constraints)).toEqual(shown(lab.rebuilt(), constraints))
      const { counts, least } = lab.view.siblings('x')
      for (const slot of lab.view.slotsByName()) expect(counts.get(slot) ?? 0).toBeGreaterThanOrEqual(least)
    }),
    { numRuns: 150 },
  )
})

it('at random: only what the plain rules allow, and something whenever there is something', () => {
  fc.assert(
    fc.property(
      fc.array(someNode, { maxLength: 12 }),
      fc.array(wish, { maxLength: 20 }),
      fc.integer(),
      (nodes, wishes, seed) => {
        const lab = new Lab()
        for (const one of nodes) lab.apply({ do: 'join', node: one })
        const random = seededRandom(seed)
        for (const [index, wanted] of wishes.entries()) {
          const placement = place(wanted, lab.view, { name: 'random', random })
          const plain = { nodes: [...lab.nodes.values()], held: lab.held }
          const first = placePlainly(wanted, plain, { name: 'spread' })
          expect(placement.placed).toBe(first !== undefined)
          if (!placement.placed) continue
          const alone = { ...plain, nodes: plain.nodes.filter(one => one.name === placement.node) }
          expect(placePlainly(wanted, alone, { name: 'spread' })).toBe(placement.node)
          lab.held.push({ ...wanted, id: `${index}`, node: placement.node })
          lab.view.reserve({ ...wanted, id: `${index}`, node: placement.node })
        }
      },
    ),
  )
})

it('leaves nothing behind of nodes, services and containers that came and went', () => {
  const view = new ClusterView()
  for (let round = 0; round < 500; round++) {
    view.setNode(node(`gone-${round}`))
    view.reserve({ ...request({ serviceId: `s${round}` }), id: `t${round}`, node: `gone-${round}` })
    view.removeNode(`gone-${round}`)
    view.release(`t${round}`)
  }
  // As many slots as one node needs.
  expect(view.figures().size).toBe(64)
  expect(view.slotsByName()).toHaveLength(0)
})
