import { afterEach, describe, expect, it } from 'vitest'
import { APPLY, keys, liveTasks, makeWorld, projectSpec, serviceSpec, type World } from './support.ts'

let world: World
afterEach(() => world.close())

const nodeOf = (task: string): string => task.split('@')[1] ?? ''

describe('a project', () => {
  it('is brought up, spread over the nodes, and left alone when applied again', async () => {
    world = await makeWorld(['n1', 'n2', 'n3'])
    const shop = projectSpec('shop', [serviceSpec('web', { replicas: 3 }), serviceSpec('db')])
    const applied = world.manager.apply(shop, APPLY)
    await world.pass(2_000)
    expect((await applied).steps.map(step => `${step.action} ${step.kind} ${step.name}`)).toEqual([
      'create service web',
      'create service db',
    ])
    expect(world.live()).toHaveLength(4)
    expect(
      new Set(
        world
          .live()
          .filter(task => task.startsWith('web'))
          .map(nodeOf),
      ).size,
    ).toBe(3)
    const before = [...world.manager.snapshot().tasks.keys()].sort()
    const again = world.manager.apply(shop, APPLY)
    await world.pass(5_000)
    expect((await again).changed).toBe(false)
    expect([...world.manager.snapshot().tasks.keys()].sort()).toEqual(before)
  })

  it('touches only the service that changed, one replica at a time', async () => {
    world = await makeWorld(['n1', 'n2'])
    const shop = (greeting: string) =>
      projectSpec('shop', [
        serviceSpec('web', { replicas: 3, container: { image: 'busybox', environment: { GREETING: greeting } } }),
        serviceSpec('db'),
      ])
    void world.manager.apply(shop('hello'), APPLY)
    await world.pass(2_000)
    const tasksOf = (service: string) =>
      [...world.manager.snapshot().tasks.values()].filter(
        ({ value }) => value.service === service && value.desired === 'running',
      )
    const db = tasksOf('db').map(({ value }) => value.id)
    const applied = world.manager.apply(shop('bye'), APPLY)
    let fewest = 3
    for (let step = 0; step < 100; step++) {
      await world.pass(50)
      fewest = Math.min(fewest, world.live().filter(task => task.startsWith('web')).length)
    }
    expect((await applied).steps.find(step => step.name === 'web')).toMatchObject({
      action: 'update',
      because: ['environment.GREETING'],
    })
    expect(fewest).toBe(2)
    expect(tasksOf('web').map(({ value }) => value.spec.container.environment?.['GREETING'])).toEqual([
      'bye',
      'bye',
      'bye',
    ])
    expect(tasksOf('db').map(({ value }) => value.id)).toEqual(db)
  })

  it('that is gone leaves volumes, which a later removal with volumes takes', async () => {
    world = await makeWorld(['n1'])
    await world.pass(5_000)
    const volume = { key: 'left', name: 'left', external: false, driver: 'local', driverOptions: {}, labels: {} }
    void world.manager.apply(projectSpec('brief', [serviceSpec('web')], { volumes: [volume] }), APPLY)
    await world.pass(5_000)
    void world.manager.remove('brief', { volumes: false, dryRun: false })
    await world.pass(30_000)
    const left = () => [...world.manager.snapshot().projects.keys(), ...world.manager.snapshot().volumes.keys()]
    expect(left()).toEqual(['left'])
    await expect(world.manager.remove('brief', { volumes: false, dryRun: false })).rejects.toMatchObject({
      status: 404,
    })
    void world.manager.remove('brief', { volumes: true, dryRun: false })
    await world.pass(30_000)
    expect(left()).toEqual([])
  })

  it('tells, when it is taken down, which volumes stay until their node returns', async () => {
    world = await makeWorld(['n1', 'n2'])
    const volumes = ['data', 'unused'].map(key => ({
      key,
      name: `shop_${key}`,
      external: false,
      driver: 'local',
      driverOptions: {},
      labels: {},
    }))
    const mounts = [{ type: 'volume' as const, source: 'shop_data', target: '/data' }]
    const db = serviceSpec('db', { container: { image: 'redis', mounts } })
    void world.manager.apply(projectSpec('shop', [db], { volumes }), APPLY)
    await world.pass(2_000)
    const node = world.manager.snapshot().volumes.get('shop_data')?.value.node ?? ''
    const awaited = async () =>
      (await world.manager.remove('shop', { volumes: true, dryRun: true })).steps.map(step => [
        step.name,
        step.awaitedNode,
      ])
    expect(await awaited()).toContainEqual(['shop_data', undefined])
    await world.agents.get(node)?.kill()
    await world.pass(10_000)
    expect(await awaited()).toContainEqual(['shop_data', node])
    expect(await awaited()).toContainEqual(['shop_unused', undefined])
  })

  it('takes what other nodes have of its volumes with it, and says which it cannot ask', async () => {
    world = await makeWorld(['n1', 'n2', 'n3'])
    const volumes = [{ key: 'd', name: 'shop_data', external: false, driver: 'local', driverOptions: {}, labels: {} }]
    const mounts = [{ type: 'volume' as const, source: 'shop_data', target: '/data' }]
    const db = serviceSpec('db', { container: { image: 'redis', mounts } })
    void world.manager.apply(projectSpec('shop', [db], { volumes }), APPLY)
    await world.pass(2_000)
    const home = world.manager.snapshot().volumes.get('shop_data')?.value.node ?? ''
    const [away = '', other = ''] = ['n1', 'n2', 'n3'].filter(node => node !== home)
    await world.agents.get(away)?.kill()
    await world.pass(10_000)
    const removed = await world.manager.remove('shop', { volumes: true, dryRun: true })
    expect(removed.warnings).toEqual([`${away} cannot be asked: copies of shop_data that may be there are left`])
    const kept = await world.manager.remove('shop', { volumes: false, dryRun: true })
    expect(kept.warnings).toBeUndefined()
    void world.manager.remove('shop', { volumes: true, dryRun: false })
    await world.pass(10_000)
    expect(world.removedVolumes.toSorted()).toEqual([`${home}/shop_data`, `${other}/shop_data`].toSorted())
    expect(world.manager.snapshot().volumes.size).toBe(0)
  })

  it('is taken down to the last record, volumes only when asked', async () => {
    world = await makeWorld(['n1'])
    const volumes = [
      { name: 'shop_data', key: 'data', external: false, driver: 'local', driverOptions: {}, labels: {} },
    ]
    const networks = [{ name: 'shop_default', key: 'default', external: false, internal: false, labels: {} }]
    const mounts = [{ type: 'volume' as const, source: 'shop_data', target: '/data' }]
    const shop = projectSpec('shop', [serviceSpec('db', { container: { image: 'redis', mounts } })], {
      volumes,
      networks,
    })
    void world.manager.apply(shop, APPLY)
    await world.pass(2_000)
    expect(world.manager.snapshot().volumes.get('shop_data')?.value.node).toBe('n1')
    void world.manager.remove('shop', { volumes: false, dryRun: false })
    await world.pass(2_000)
    const left = world.manager.snapshot()
    expect([left.projects.size, left.services.size, left.tasks.size, left.status.size, left.networks.size]).toEqual([
      0, 0, 0, 0, 0,
    ])
    expect([...left.volumes.keys()]).toEqual(['shop_data'])
    void world.manager.apply(shop, APPLY)
    await world.pass(2_000)
    void world.manager.remove('shop', { volumes: true, dryRun: false })
    await world.pass(2_000)
    expect(world.manager.snapshot().volumes.size).toBe(0)
    expect(world.removedVolumes).toEqual(['n1/shop_data'])
  })
})

describe('a lost node', () => {
  it('has its tasks replaced after the lease and the grace, and stops them when it returns', async () => {
    world = await makeWorld(['n1', 'n2', 'n3'])
    void world.manager.apply(projectSpec('shop', [serviceSpec('web', { replicas: 3 })]), APPLY)
    await world.pass(2_000)
    await world.agents.get('n1')?.kill()
    await world.pass(4_000)
    expect(world.live().map(nodeOf)).toContain('n1')
    await world.pass(6_000)
    expect(world.live()).toHaveLength(3)
    expect(world.live().map(nodeOf)).not.toContain('n1')
    await world.addNode('n1')
    await world.pass(2_000)
    expect(world.agents.get('n1')?.running()).toEqual([])
    expect(world.live()).toHaveLength(3)
  })

  it('keeps the tasks whose volume it holds, and gets them back as they are', async () => {
    world = await makeWorld(['n1', 'n2'])
    const volumes = [{ name: 'data', key: 'data', external: false, driver: 'local', driverOptions: {}, labels: {} }]
    const mounts = [{ type: 'volume' as const, source: 'data', target: '/data' }]
    const db = serviceSpec('db', { container: { image: 'redis', mounts } })
    void world.manager.apply(projectSpec('shop', [db], { volumes }), APPLY)
    await world.pass(2_000)
    const [before] = world.live()
    const node = nodeOf(before ?? '')
    const [id] = [...world.manager.snapshot().tasks.keys()]
    await world.agents.get(node)?.kill()
    await world.pass(20_000)
    expect(world.live()).toEqual([before])
    expect(world.manager.snapshot().tasks.get(id ?? '')?.value.pendingReasons?.[0]).toMatch(/holds its volume data/)
    await world.addNode(node)
    await world.pass(2_000)
    expect([...world.manager.snapshot().tasks.keys()]).toEqual([id])
    expect(world.agents.get(node)?.running()).toEqual([id])
  })
})

describe('ended tasks', () => {
  it('are replaced with a growing delay when they failed, and their history stays bounded', async () => {
    world = await makeWorld(['n1'], () => ({ ends: 'failed', afterMs: 10 }))
    void world.manager.apply(projectSpec('shop', [serviceSpec('web')]), APPLY)
    await world.pass(60_000)
    const tasks = [...world.manager.snapshot().tasks.values()]
    // After 1, 2, 4, 8, 16 and 32 seconds at most.
    expect(Math.max(...tasks.map(({ value }) => value.failures))).toBe(5)
    expect(tasks.length).toBeLessThanOrEqual(2)
    expect(world.manager.snapshot().status.size).toBeLessThanOrEqual(2)
  })

  it('are left alone when they completed or must not restart', async () => {
    world = await makeWorld(['n1'], task => ({ ends: task.service === 'job' ? 'complete' : 'failed', afterMs: 10 }))
    const once = serviceSpec('once', { restart: { condition: 'none' } })
    void world.manager.apply(projectSpec('shop', [serviceSpec('job'), once]), APPLY)
    await world.pass(120_000)
    expect(world.manager.snapshot().tasks.size).toBe(2)
  })
})

it('starts a service only when what it depends on is there', async () => {
  world = await makeWorld(['n1', 'n2'], task =>
    task.service === 'migrate' ? { startMs: 1_000, ends: 'complete', afterMs: 2_000 } : {},
  )
  const web = serviceSpec('web', {
    dependsOn: [{ service: 'migrate', condition: 'service_completed_successfully', required: true }],
  })
  void world.manager.apply(projectSpec('shop', [web, serviceSpec('migrate')]), APPLY)
  await world.pass(2_000)
  expect(world.live()).toContain('web.1@-')
  const waiting = [...world.manager.snapshot().tasks.values()].find(({ value }) => value.service === 'web')
  expect(waiting?.value.pendingReasons).toEqual(['waits for service migrate to be completed successfully'])
  await world.pass(3_000)
  expect(world.live()).toHaveLength(1)
  expect(world.live()[0]).toMatch(/web\.1@n\d/)
})

it('empties a draining node, each successor running before the old task stops', async () => {
  world = await makeWorld(['n1', 'n2'])
  void world.manager.apply(projectSpec('shop', [serviceSpec('web', { replicas: 4 })]), APPLY)
  await world.pass(2_000)
  const running = () => [...world.agents.values()].reduce((sum, agent) => sum + agent.running().length, 0)
  void world.manager.updateNode('n1', { availability: 'drain' })
  let fewest = 4
  for (let step = 0; step < 60; step++) {
    await world.pass(50)
    fewest = Math.min(fewest, running())
  }
  expect(fewest).toBe(4)
  expect(world.live()).toEqual(['web.1@n2', 'web.2@n2', 'web.3@n2', 'web.4@n2'])
  expect(running()).toBe(4)
})

describe('managers', () => {
  it('hand over when the leader dies, and the deposed one can write nothing', async () => {
    world = await makeWorld(['n1', 'n2'])
    void world.manager.apply(projectSpec('shop', [serviceSpec('web', { replicas: 2 })]), APPLY)
    await world.pass(2_000)
    const second = world.addManager()
    await world.pass(1_000)
    expect([world.manager.isLeader(), second.manager.isLeader()]).toEqual([true, false])
    await expect(second.manager.remove('shop', { volumes: false, dryRun: false })).rejects.toMatchObject({
      status: 503,
    })
    const before = liveTasks(second.manager)
    // Somebody else takes the election key away, as happens after a long pause of the leader.
    await world.store.txn([], [{ delete: keys.election }])
    const late = world.manager.remove('shop', { volumes: false, dryRun: false })
    await expect(late).rejects.toMatchObject({ code: 'NOT_LEADER' })
    await world.pass(5_000)
    expect([world.manager.isLeader(), second.manager.isLeader()].filter(Boolean)).toHaveLength(1)
    expect(liveTasks(second.manager)).toEqual(before)
  })

  it('finish what a dead one began', async () => {
    world = await makeWorld(['n1'])
    void world.manager.apply(projectSpec('shop', [serviceSpec('web', { replicas: 3 })]), APPLY)
    await world.pass(2_000)
    const project = world.manager.snapshot().projects.get('shop')
    const value = JSON.stringify({ ...project?.value, removing: { volumes: false } })
    await world.store.txn([], [{ put: keys.project('shop'), value }])
    await world.store.txn([], [{ delete: keys.election }])
    const second = world.addManager()
    await world.pass(10_000)
    expect(second.manager.snapshot().projects.size + second.manager.snapshot().tasks.size).toBe(0)
  })
})
