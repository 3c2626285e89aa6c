import { afterEach, describe, expect, it } from 'vitest'
import { clockSkewMs } from '../../src/manager/clock-skew.ts'
import { placementsOn } from '../../src/manager/node-details.ts'
import { nodeViews } from '../../src/manager/views.ts'
import { APPLY, keys, makeWorld, projectSpec, serviceSpec, type World } from './support.ts'

let world: World
afterEach(() => world.close())

const DATA = { name: 'data', key: 'data', external: false, driver: 'local', driverOptions: {}, labels: {} }
const WITH_DATA = {
  container: { image: 'redis', mounts: [{ type: 'volume' as const, source: 'data', target: '/data' }] },
}
const placements = (node: string) => placementsOn(node, world.manager.snapshot())

async function bringUp(...services: Parameters<typeof projectSpec>[1]): Promise<void> {
  void world.manager.apply(projectSpec('shop', services, { volumes: [DATA] }), APPLY)
  await world.pass(2_000)
}

describe('a node that is drained', () => {
  it('keeps what no other node can take, running, and says why', async () => {
    world = await makeWorld(['n1', 'n2'])
    await bringUp(
      serviceSpec('db', WITH_DATA),
      serviceSpec('here', { constraints: ['node==n1'] }),
      serviceSpec('web', { replicas: 2 }),
    )
    const home = world.manager.snapshot().volumes.get('data')?.value.node ?? ''
    void world.manager.updateNode(home, { availability: 'drain' })
    if (home !== 'n1') void world.manager.updateNode('n1', { availability: 'drain' })
    await world.pass(3_000)
    const stuck = [...new Set(['n1', home])].flatMap(node => placements(node))
    const blockers = new Map(stuck.map(({ name, blockers = [] }) => [name, blockers.join('; ')]))
    expect(blockers.get('shop-db-1')).toMatch(/volume/)
    expect(blockers.get('shop-here-1')).toMatch(/constraint|node==n1/)
    expect(stuck.filter(({ name }) => /db|here/.test(name)).map(({ state }) => state)).toEqual(['running', 'running'])
  })

  it('shows where its tasks go, and keeps them when it is called off', async () => {
    world = await makeWorld(['n1', 'n2'], task => ({ startMs: task.node === 'n2' ? 5_000 : 100 }))
    void world.manager.updateNode('n2', { availability: 'pause' })
    await world.pass(500)
    await bringUp(serviceSpec('web'))
    expect(world.live()).toEqual(['web.1@n1'])
    void world.manager.updateNode('n2', { availability: 'active' })
    void world.manager.updateNode('n1', { availability: 'drain' })
    await world.pass(1_000)
    expect(placements('n1')).toMatchObject([
      { name: 'shop-web-1', state: 'running', successor: { node: 'n2', state: 'preparing' } },
    ])
    void world.manager.updateNode('n1', { availability: 'active' })
    await world.pass(10_000)
    expect(world.live()).toEqual(['web.1@n1'])
    expect(placements('n2')).toEqual([])
  })
})

it('a node that is paused gets nothing new, and keeps what it has', async () => {
  world = await makeWorld(['n1', 'n2'])
  await bringUp(serviceSpec('web', { replicas: 2 }))
  void world.manager.updateNode('n1', { availability: 'pause' })
  await world.pass(500)
  await bringUp(serviceSpec('web', { replicas: 5 }))
  expect(world.live().filter(task => task.endsWith('@n1'))).toHaveLength(1)
  expect(world.live()).toHaveLength(5)
})

it('a label that is changed counts for what waits for it at once', async () => {
  world = await makeWorld(['n1', 'n2'])
  await bringUp(serviceSpec('web', { constraints: ['disk==ssd'] }))
  expect(world.live()).toEqual(['web.1@-'])
  void world.manager.updateNode('n2', { labels: { disk: 'ssd' } })
  await world.pass(500)
  expect(world.live()).toEqual(['web.1@n2'])
})

it('what was replaced on a node that is down is not counted there', async () => {
  world = await makeWorld(['n1', 'n2'])
  await bringUp(serviceSpec('web', { replicas: 4 }))
  const counts = () => nodeViews(world.manager.snapshot()).map(({ name, tasks }) => `${name} ${tasks}`)
  expect(counts()).toEqual(['n1 2', 'n2 2'])
  await world.agents.get('n2')?.kill()
  await world.pass(60_000)
  expect(world.live().every(task => task.endsWith('@n1'))).toBe(true)
  expect(counts()).toEqual(['n1 4', 'n2 0'])
})

describe('a node that is removed', () => {
  it('must be down, and known', async () => {
    world = await makeWorld(['n1'])
    const gone = { force: false, dryRun: false }
    await expect(world.manager.removeNode('n1', gone)).rejects.toMatchObject({ code: 'NODE_IS_UP', status: 409 })
    await expect(world.manager.removeNode('n9', gone)).rejects.toMatchObject({ code: 'NO_SUCH_NODE', status: 404 })
  })

  it('leaves nothing behind, and gives up the data of its volumes only by force', async () => {
    world = await makeWorld(['n1', 'n2'])
    await bringUp(serviceSpec('db', WITH_DATA), serviceSpec('web', { replicas: 2 }))
    const home = world.manager.snapshot().volumes.get('data')?.value.node ?? ''
    const other = home === 'n1' ? 'n2' : 'n1'
    const address = {
      network: 'net',
      address: '10.1.0.5',
      mac: '',
      hostAddress: '',
      kind: 'task',
      names: [],
      healthy: true,
    }
    for (const [ip, node] of [
      ['10.1.0.5', home],
      ['10.1.0.6', other],
    ] as const) {
      const value = JSON.stringify({ ...address, address: ip, node })
      await world.store.txn([], [{ put: keys.endpoint('net', ip), value }])
    }
    await world.agents.get(home)?.kill()
    await world.pass(10_000)
    const by = (force: boolean, dryRun = false) => world.manager.removeNode(home, { force, dryRun })
    await expect(by(false)).rejects.toMatchObject({ code: 'NODE_HAS_VOLUMES', status: 409 })
    expect(await by(true, true)).toEqual({ node: home, volumes: ['data'] })
    const removing = by(true)
    await world.pass(5_000)
    expect(await removing).toEqual({ node: home, volumes: ['data'] })
    await world.pass(5_000)
    const { nodes, tasks, status, volumes } = world.manager.snapshot()
    expect([...nodes.keys()]).toEqual([other])
    expect(volumes.get('data')?.value.node).toBe(other)
    expect(world.live()).toEqual([`db.1@${other}`, `web.1@${other}`, `web.2@${other}`])
    expect([...tasks.values(), ...status.values()].filter(({ value }) => value.node === home)).toEqual([])
    expect((await world.store.list(keys.endpoints)).items.map(({ key }) => key)).toEqual([
      keys.endpoint('net', '10.1.0.6'),
    ])
  })
})

it('nodes are shown in the states of classic Swarm, with reasons', async () => {
  world = await makeWorld(['n1', 'n2', 'n3'])
  await world.agents.get('n3')?.kill()
  await world.pass(10_000)
  const views = nodeViews(world.manager.snapshot(), name => (name === 'n2' ? 'connection refused' : undefined))
  expect(views.map(({ name, health, reason }) => [name, health, reason])).toEqual([
    ['n1', 'healthy', undefined],
    ['n2', 'unhealthy', 'connection refused'],
    ['n3', 'disconnected', expect.stringMatching(/holds no lease/)],
  ])
})

it.each([
  ['2026-01-01T00:00:10Z', 0, 5_000],
  ['2026-01-01T00:00:00Z', 0, -5_000],
  ['2026-01-01T00:00:05Z', 0, 0],
  ['2026-01-01T00:00:06Z', 2_000, 0],
  ['nonsense', 0, 0],
])('a clock that shows %s, asked for %i ms, is ahead by %i ms', (time, tookMs, skewMs) => {
  const askedMs = Date.UTC(2026, 0, 1, 0, 0, 5)
  expect(clockSkewMs(time, { askedMs, answeredMs: askedMs + tookMs })).toBe(skewMs)
})
