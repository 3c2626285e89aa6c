import { afterEach, describe, expect, it } from 'vitest'
import type { ServiceSpec } from '../../src/core/model/service.ts'
import { DECIDE_DEFAULTS } from '../../src/manager/model/round.ts'
import { rebalance } from '../../src/manager/project/rebalance.ts'
import { APPLY, makeWorld, projectSpec, serviceSpec, type World } from './support.ts'

let world: World
afterEach(() => world.close())

/** How many tasks run on each node. */
function counts(): Record<string, number> {
  const nodes = world.live().map(task => task.split('@')[1] ?? '')
  return Object.fromEntries([...new Set(nodes)].sort().map(node => [node, nodes.filter(each => each === node).length]))
}

/** Two nodes with tasks, and a third that joined later and is empty. */
async function lopsided(services: readonly ServiceSpec[], volumes: readonly string[] = []): Promise<void> {
  world = await makeWorld(['n1', 'n2'])
  const records = volumes.map(name => ({
    name,
    key: name,
    external: false,
    driver: 'local',
    driverOptions: {},
    labels: {},
  }))
  void world.manager.apply(projectSpec('shop', services, { volumes: records }), APPLY)
  await world.pass(3_000)
  await world.addNode('n3')
  await world.pass(1_000)
}

const moved = async (moves: number, dryRun = false): Promise<number> => {
  const asked = world.manager.rebalance({ moves, dryRun })
  await world.pass(5_000)
  return (await asked).moves.length
}

describe('rebalancing', () => {
  it('evens the nodes out, each task leaving once its successor is well', async () => {
    await lopsided([serviceSpec('web', { replicas: 6 })])
    expect(counts()).toEqual({ n1: 3, n2: 3 })
    const asked = world.manager.rebalance({ moves: 10, dryRun: false })
    let fewest = 6
    for (let step = 0; step < 100; step++) {
      await world.pass(50)
      fewest = Math.min(fewest, world.live().length)
    }
    expect((await asked).moves).toEqual([
      {
        task: expect.any(String) as string,
        name: expect.stringMatching(/^shop-web-\d$/) as string,
        from: 'n1',
        to: 'n3',
      },
      {
        task: expect.any(String) as string,
        name: expect.stringMatching(/^shop-web-\d$/) as string,
        from: 'n2',
        to: 'n3',
      },
    ])
    expect([counts(), fewest]).toEqual([{ n1: 2, n2: 2, n3: 2 }, 6])
    expect(await moved(10)).toBe(0)
  })

  it('waits with more moves until those under way are done', async () => {
    await lopsided([serviceSpec('web', { replicas: 6 })])
    const first = world.manager.rebalance({ moves: 1, dryRun: false })
    await world.pass(50)
    await first
    await expect(world.manager.rebalance({ moves: 1, dryRun: false })).rejects.toMatchObject({ code: 'STILL_MOVING' })
    await world.pass(5_000)
    expect(await moved(5)).toBe(1)
    expect(counts()).toEqual({ n1: 2, n2: 2, n3: 2 })
  })

  it('does not take jobs that have ended for load', async () => {
    world = await makeWorld(['n1'], task => (task.service === 'job' ? { ends: 'complete', afterMs: 10 } : {}))
    const restart = { condition: 'none', delayMs: 0 } as const
    const services = [serviceSpec('job', { replicas: 6, restart }), serviceSpec('web', { replicas: 2 })]
    void world.manager.apply(projectSpec('shop', services), APPLY)
    await world.pass(3_000)
    await world.addNode('n2')
    await world.pass(1_000)
    expect(await moved(10)).toBe(1)
    expect(counts()).toEqual({ n1: 1, n2: 1 })
  })

  it('keeps to its budget, and only says what it would do', async () => {
    await lopsided([serviceSpec('web', { replicas: 6 })])
    expect(await moved(10, true)).toBe(2)
    expect(counts()).toEqual({ n1: 3, n2: 3 })
    expect(await moved(1)).toBe(1)
    expect(counts()['n3']).toBe(1)
  })

  it('leaves alone what is tied to its data, or may be nowhere else', async () => {
    const container = { image: 'db', mounts: [{ type: 'volume', source: 'data', target: '/data' } as const] }
    await lopsided(
      [
        serviceSpec('db', { replicas: 3, container, constraints: ['node==n1'] }),
        serviceSpec('near', { replicas: 3, constraints: ['node==n2'] }),
      ],
      ['data'],
    )
    expect(await moved(10)).toBe(0)
    expect(counts()['n3']).toBeUndefined()
  })

  it('lets a task stay whose new place was taken meanwhile', async () => {
    await lopsided([serviceSpec('web', { replicas: 6 })])
    const asked = world.manager.rebalance({ moves: 1, dryRun: false })
    void world.manager.updateNode('n3', { availability: 'pause' })
    void world.manager.updateNode('n2', { availability: 'pause' })
    await world.pass(5_000)
    expect((await asked).moves).toHaveLength(1)
    expect(Object.values(counts()).reduce((sum, each) => sum + each)).toBe(6)
    const leaving = [...world.manager.snapshot().tasks.values()].filter(({ value }) => value.leaving === true)
    expect(leaving.filter(({ value }) => value.desired === 'running')).toEqual([])
  })

  it.each([0, 51, 1.5, Number.NaN])('refuses a budget of %s', async moves => {
    await lopsided([])
    await expect(world.manager.rebalance({ moves, dryRun: true })).rejects.toMatchObject({ code: 'BAD_BUDGET' })
  })

  it('does nothing to a cluster that packs', async () => {
    world = await makeWorld([])
    const options = { ...DECIDE_DEFAULTS, strategy: 'binpack' as const }
    const ports = { clock: world.clock, options, snapshot: world.manager.snapshot, write: async () => true }
    await expect(rebalance({ moves: 1, dryRun: true }, ports)).rejects.toMatchObject({
      code: 'NOT_SPREAD',
      status: 400,
    })
  })
})
