import { afterEach, describe, expect, it } from 'vitest'
import type { ServiceSpec } from '../../src/core/model/service.ts'
import { projectView } from '../../src/manager/views.ts'
import { APPLY, makeWorld, projectSpec, serviceSpec, type World } from './support.ts'

let world: World
afterEach(() => world.close())

const probe = (more: Partial<ServiceSpec> = {}): ServiceSpec => serviceSpec('probe', { mode: 'global', ...more })

async function apply(...services: readonly ServiceSpec[]): Promise<void> {
  const applied = world.manager.apply(projectSpec('shop', services), APPLY)
  await world.pass(3_000)
  await applied
}

const view = () => projectView('shop', world.manager.snapshot())?.services.find(({ name }) => name === 'probe')

describe('a global service', () => {
  it('has one task on every node, those that join later too, whatever else runs there', async () => {
    world = await makeWorld(['n1', 'n2'])
    await apply(serviceSpec('web', { replicas: 5 }), probe())
    expect(world.live().filter(task => task.startsWith('probe'))).toEqual(['probe.1@n1', 'probe.2@n2'])
    await world.addNode('n3')
    await world.pass(2_000)
    expect(world.live().filter(task => task.startsWith('probe'))).toEqual(['probe.1@n1', 'probe.2@n2', 'probe.3@n3'])
    expect(view()).toEqual({ name: 'probe', wanted: 3, running: 3, healthy: 3, converged: true })
  })

  it('leaves out nodes that its constraints, or a drain, leave out, and lets the others alone', async () => {
    world = await makeWorld(['n1', 'n2', 'n3'])
    await apply(probe({ constraints: ['node.hostname != n2'] }))
    expect(world.live()).toEqual(['probe.1@n1', 'probe.2@n3'])
    const drained = world.manager.updateNode('n1', { availability: 'drain' })
    await world.pass(2_000)
    await drained
    expect(world.live()).toEqual(['probe.2@n3'])
    const back = world.manager.updateNode('n1', { availability: 'active' })
    await world.pass(2_000)
    await back
    expect(world.live()).toEqual(['probe.1@n1', 'probe.2@n3'])
  })

  it('waits for no node that is down, moves nothing from there, and goes on there when it is back', async () => {
    world = await makeWorld(['n1', 'n2'])
    await apply(probe())
    const before = world.live()
    const ids = [...world.manager.snapshot().tasks.keys()].sort()
    await world.agents.get('n2')?.kill()
    await world.pass(30_000)
    expect(world.live()).toEqual(before)
    expect(view()).toMatchObject({ wanted: 1, converged: true })
    await apply(
      probe(),
      serviceSpec('after', {
        dependsOn: [{ service: 'probe', condition: 'service_started', required: true }],
      }),
    )
    expect(world.live()).toContain('after.1@n1')
    await world.addNode('n2')
    await world.pass(3_000)
    expect(ids.filter(id => world.manager.snapshot().tasks.get(id)?.value.service === 'probe')).toHaveLength(2)
    expect(view()).toMatchObject({ wanted: 2, running: 2, converged: true })
  })

  it('is replaced node by node, the old task first, stops as a whole, and takes no number', async () => {
    world = await makeWorld(['n1', 'n2'])
    await apply(probe())
    await apply(probe({ container: { image: 'other' }, update: { order: 'start-first' } }))
    await world.pass(5_000)
    const images = [...world.manager.snapshot().tasks.values()]
      .filter(({ value }) => value.desired === 'running')
      .map(({ value }) => `${value.spec.container.image}@${value.node}`)
    expect(images.sort()).toEqual(['other@n1', 'other@n2'])
    await apply(probe({ container: { image: 'other' }, update: { order: 'start-first' }, replicas: 0 }))
    expect(world.live()).toEqual([])
    const refused = expect(world.manager.apply(projectSpec('shop', [probe({ replicas: 2 })]), APPLY)).rejects
    await refused.toMatchObject({ code: 'BAD_REPLICAS' })
  })
})

describe('placement', () => {
  it('puts so many replicas on a node at most, and says why others wait', async () => {
    world = await makeWorld(['n1', 'n2'])
    await apply(serviceSpec('web', { replicas: 5, replicasPerNode: 2 }))
    const live = world.live()
    expect(live.filter(task => task.endsWith('@n1'))).toHaveLength(2)
    expect(live.filter(task => task.endsWith('@n2'))).toHaveLength(2)
    const waiting = [...world.manager.snapshot().tasks.values()].find(({ value }) => value.node === undefined)
    expect(waiting?.value.pendingReasons).toEqual(['2 nodes: 2 replicas a node at most'])
  })

  it('spreads replicas over the values of a label before it spreads them over nodes', async () => {
    world = await makeWorld(['n1', 'n2', 'n3', 'n4'])
    for (const [node, zone] of [
      ['n1', 'a'],
      ['n2', 'a'],
      ['n3', 'a'],
      ['n4', 'b'],
    ] as const) {
      const labelled = world.manager.updateNode(node, { labels: { zone } })
      await world.pass(500)
      await labelled
    }
    await apply(serviceSpec('web', { replicas: 6, spreadOver: 'node.labels.zone' }))
    expect(world.live().filter(task => task.endsWith('@n4'))).toHaveLength(3)
    expect(world.live().filter(task => task.endsWith('@n1'))).toHaveLength(1)
    await expect(
      world.manager.apply(projectSpec('shop', [serviceSpec('web', { spreadOver: 'node.zone' })]), APPLY),
    ).rejects.toMatchObject({ code: 'BAD_CONSTRAINT' })
  })
})

it('what is restarted with another service is replaced whenever that one is, and not by itself', async () => {
  world = await makeWorld(['n1', 'n2'])
  const shop = (image: string): ServiceSpec[] => [
    serviceSpec('db', { container: { image } }),
    serviceSpec('api', { dependsOn: [{ service: 'db', condition: 'service_started', required: true, restart: true }] }),
    serviceSpec('web', {
      dependsOn: [{ service: 'api', condition: 'service_started', required: true, restart: true }],
    }),
    serviceSpec('other', { dependsOn: [{ service: 'db', condition: 'service_started', required: true }] }),
  ]
  const ids = (): Record<string, string> =>
    Object.fromEntries(
      [...world.manager.snapshot().tasks.values()]
        .filter(({ value }) => value.desired === 'running')
        .map(({ value }) => [value.service, value.id]),
    )
  await apply(...shop('one'))
  await world.pass(5_000)
  const first = ids()
  await apply(...shop('one'))
  expect(ids()).toEqual(first)
  const applied = world.manager.apply(projectSpec('shop', shop('two')), APPLY)
  await world.pass(10_000)
  expect((await applied).steps.map(({ name, action, because = [] }) => `${name} ${action} ${because.join()}`)).toEqual([
    'db update image',
    'api update db is replaced',
    'web update api is replaced',
    'other keep ',
  ])
  const second = ids()
  expect(Object.keys(second).filter(name => second[name] !== first[name])).toEqual(['db', 'api', 'web'])
  await apply(...shop('two'))
  expect(ids()).toEqual(second)
})
