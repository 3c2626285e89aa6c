import { expect, it } from 'vitest'
import { notFound } from '../../../src/core/errors.ts'
import type { ContainerInspect } from '../../../src/docker-api/index.ts'
import { PlacementState } from '../../../src/manager/docker/create/placement-state.ts'
import type { ClusterNodes } from '../../../src/manager/docker/nodes.ts'
import type { HeldContainer, Inventory, InventoryChange } from '../../../src/manager/inventory/index.ts'
import { EMPTY_SNAPSHOT, type Snapshot } from '../../../src/manager/model/snapshot.ts'
import { why } from '../../../src/manager/why/why.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { memberRecord, serviceSpec } from '../support.ts'

const web: HeldContainer = {
  id: 'a'.repeat(64),
  node: 'n1',
  name: 'web',
  labels: {},
  image: 'app',
  imageId: 'sha256:1',
  createdMs: 0,
  ports: [],
  networks: [],
  mounts: [],
  networkMode: 'host',
  status: 'running',
  listedStatus: '',
  hostModePorts: ['80/tcp'],
  line: '',
}

/** A cluster of one node with one container, which changes as a test says. */
class World {
  #container: HeldContainer | undefined = web
  readonly #listeners: ((change: InventoryChange) => void)[] = []
  snapshot: Snapshot = {
    ...EMPTY_SNAPSHOT,
    members: new Map([['n1', { key: 'n1', value: memberRecord('n1'), createRevision: 1, modRevision: 1 }]]),
  }
  readonly inventory = {
    containers: () => this.#all(),
    find: () => this.#all(),
    nodes: () => [],
    node: () => ({ name: 'n1', condition: 'live', images: [], containers: new Map(this.#all().map(c => [c.id, c])) }),
    onChange: (listener: (change: InventoryChange) => void) => void this.#listeners.push(listener),
  } as unknown as Inventory
  readonly state = new PlacementState({ snapshot: () => this.snapshot, inventory: this.inventory, overcommit: 0 })

  change(now: HeldContainer | undefined): void {
    const before = this.#container
    this.#container = now
    const change = { kind: 'container', node: 'n1', ...(before ? { before } : {}), ...(now ? { now } : {}) } as const
    for (const listener of this.#listeners) listener(change)
  }

  /** Asks why the container is where it is; `meanwhile` happens while its node is asked. */
  why(meanwhile: () => void): ReturnType<typeof why> {
    const engine = stubEngine({
      containers: {
        inspect: async () => {
          meanwhile()
          return { HostConfig: {} } as ContainerInspect
        },
      },
    })
    const member = memberRecord('n1')
    const nodes = {
      ready: () => [{ name: 'n1', member, engine }],
      inventory: this.inventory,
    } as unknown as ClusterNodes
    const { state, snapshot } = this
    return why('web', { snapshot: () => snapshot, nodes, state, strategy: { name: 'spread' }, filters: ['port'] })
  }

  #all(): HeldContainer[] {
    return this.#container === undefined ? [] : [this.#container]
  }
}

it('holds nothing of a container that goes while somebody asks why it is there', async () => {
  const world = new World()
  await expect(world.why(() => world.change(undefined))).rejects.toEqual(
    notFound('NO_SUCH_CONTAINER', 'No such container: web'),
  )
  expect(world.state.contents().nodesOf('web')).toEqual([])
  expect(world.state.contents().nodesWithHostPort('80/tcp').size).toBe(0)
})

it('holds what a container became while somebody asked why it is there', async () => {
  const world = new World()
  const answer = await world.why(() => world.change({ ...web, name: 'renamed', hostModePorts: ['81/tcp'] }))
  expect(answer).toMatchObject({ name: 'renamed', now: { chosen: 'n1' } })
  expect(world.state.contents().nodesOf('renamed')).toEqual(['n1'])
  expect(world.state.contents().nodesOf('web')).toEqual([])
  expect([...world.state.contents().nodesWithHostPort('81/tcp').keys()]).toEqual(['n1'])
})

it('puts back only what it took away to look', () => {
  const world = new World()
  world.change(undefined)
  expect(world.state.without({ id: `n1/${web.id}`, container: web }, contents => contents.nodesOf('web'))).toEqual([])
  expect(world.state.contents().nodesOf('web')).toEqual([])
})

it('forgets where a volume was once there is none of that name', () => {
  const world = new World()
  const value = { name: 'data', project: 'shop', node: 'n1', driver: 'local', driverOptions: {}, labels: {} }
  const volumes = new Map([['data', { key: 'data', value, createRevision: 1, modRevision: 1 }]])
  world.snapshot = { ...world.snapshot, volumes }
  expect(world.state.contents().view.volumeNode('data')).toBe('n1')
  world.snapshot = { ...world.snapshot, volumes: new Map() }
  expect(world.state.contents().view.volumeNode('data')).toBeUndefined()
})

it('gives no port away that a service has on every node, until the service is gone', () => {
  const world = new World()
  const spec = serviceSpec('web', { ports: [{ mode: 'ingress', published: 8080, target: 80, protocol: 'tcp' }] })
  const value = { id: 's1', project: 'shop', spec, specHash: 'h', createdAtMs: 0, updatedAtMs: 0 }
  const stored = { key: 's1', value, createRevision: 1, modRevision: 1 }
  const member = { key: 'n1', value: memberRecord('n1', { overlay: true }), createRevision: 1, modRevision: 1 }
  const holders = (published: number): string[] => {
    const { view } = world.state.contents()
    const taken = view.portConflicts(view.slotOf('n1') ?? -1, { published, protocol: 'tcp' })
    return taken.map(({ holder }) => view.nameOf(holder))
  }
  world.snapshot = { ...world.snapshot, members: new Map([['n1', member]]), services: new Map([['s1', stored]]) }
  expect([holders(8080), holders(8081)]).toEqual([['service shop/web'], []])
  const moved = { ...spec, ports: [{ mode: 'ingress', published: 8081, target: 80, protocol: 'tcp' } as const] }
  const changed = new Map([['s1', { ...stored, value: { ...value, spec: moved } }]])
  world.snapshot = { ...world.snapshot, services: changed }
  expect([holders(8080), holders(8081)]).toEqual([[], ['service shop/web']])
  world.snapshot = { ...world.snapshot, services: new Map() }
  expect([holders(8080), holders(8081)]).toEqual([[], []])
})
