import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ServiceSpec } from '../../src/core/model/service.ts'
import { StandaloneReservations } from '../../src/manager/docker/create/standalone-reservations.ts'
import { givesRoom } from '../../src/manager/model/standalone.ts'
import type { Reservation } from '../../src/scheduler/index.ts'
import { APPLY, makeWorld, projectSpec, serviceSpec, type World } from './support.ts'

const GiB = 2 ** 30

let standalone: StandaloneReservations
let rounds: number
let world: World

beforeEach(async () => {
  standalone = new StandaloneReservations()
  rounds = 0
  const reservations = () => {
    rounds++
    return standalone.reservations()
  }
  world = await makeWorld(['n1', 'n2'], undefined, { reservations, onRoom: standalone.onRoom })
})
afterEach(() => world.close())

function container(name: string, more: Partial<Reservation> = {}): Reservation {
  const [node = ''] = name.split('/')
  return { id: name, name, node, nanoCpus: 0, memoryBytes: 0, hostPorts: [], ...more }
}

const port = (published: number): Pick<Reservation, 'hostPorts'> => ({ hostPorts: [{ published, protocol: 'tcp' }] })

async function apply(more: Partial<ServiceSpec>): Promise<void> {
  void world.manager.apply(projectSpec('shop', [serviceSpec('web', more)]), APPLY)
  await world.pass(1_000)
}

const onPort80: Partial<ServiceSpec> = { ports: [{ mode: 'host', published: 80, target: 80, protocol: 'tcp' }] }
const reasons = () => [...world.manager.snapshot().tasks.values()].flatMap(({ value }) => value.pendingReasons ?? [])

describe('a task', () => {
  it.each([
    ['port', port(80), onPort80],
    ['memory', { memoryBytes: 7 * GiB }, { reservations: { memoryBytes: 2 * GiB } }],
    ['CPUs', { nanoCpus: 3e9 }, { reservations: { nanoCpus: 2e9 } }],
  ])('goes where no container made by hand has its %s', async (_what, has, wants) => {
    standalone.set(container('n1/db', has))
    await apply(wants)
    expect(world.live()).toEqual(['web.1@n2'])
  })

  it('waits where all are taken, says by whom, and goes on soon after one is free', async () => {
    standalone.set(container('n1/db', port(80)))
    standalone.set(container('n2/proxy', port(80)))
    await apply(onPort80)
    expect(world.live()).toEqual(['web.1@-'])
    expect(reasons()).toEqual(['2 nodes: port 80/tcp is in use by n1/db and 1 more'])
    standalone.delete('n2/proxy')
    await world.pass(300)
    expect(world.live()).toEqual(['web.1@n2'])
  })

  it('is not kept away by what stands on a node that is gone', async () => {
    standalone.set(container('n9/db', port(80)))
    await apply({ ...onPort80, replicas: 2 })
    expect(world.live()).toEqual(['web.1@n1', 'web.2@n2'])
  })
})

describe('containers that come and go', () => {
  async function thousandEnd(): Promise<number> {
    await world.pass(6_000)
    for (let index = 0; index < 1_000; index++) standalone.set(container(`n1/c${index}`))
    const before = rounds
    for (let index = 0; index < 1_000; index++) {
      standalone.delete(`n1/c${index}`)
      if (index % 10 === 9) await world.pass(10)
    }
    return rounds - before
  }

  it('make no round each, though a task waits', async () => {
    await apply({ reservations: { memoryBytes: 100 * GiB } })
    expect(reasons()).toEqual(['2 nodes: memory 100GiB wanted, 8GiB free'])
    const made = await thousandEnd()
    expect(made).toBeGreaterThan(1)
    expect(made).toBeLessThanOrEqual(7)
  })

  it('make none at all while nothing waits', async () => {
    await apply({})
    expect(await thousandEnd()).toBeLessThanOrEqual(1)
  })
})

it('counts for a rebalance', async () => {
  await apply({ replicas: 4, reservations: { memoryBytes: GiB } })
  await world.addNode('n3')
  standalone.set(container('n3/big', { memoryBytes: 8 * GiB }))
  await world.pass(1_000)
  expect((await world.manager.rebalance({ moves: 4, dryRun: true })).moves).toEqual([])
  standalone.delete('n3/big')
  expect((await world.manager.rebalance({ moves: 4, dryRun: true })).moves).toMatchObject([{ to: 'n3' }])
})

describe('a container gives room', () => {
  const before = container('n1/a', { nanoCpus: 1, memoryBytes: 1, ...port(80) })

  it.each([
    ['that is gone', undefined],
    ['that moved', { ...before, node: 'n2' }],
    ['with fewer CPUs', { ...before, nanoCpus: 0 }],
    ['with less memory', { ...before, memoryBytes: 0 }],
    ['with another port', { ...before, ...port(81) }],
  ])('%s', (_how, now) => expect(givesRoom(before, now)).toBe(true))

  it('not, if it takes as much or more', () => {
    expect(givesRoom(before, { ...before })).toBe(false)
    expect(
      givesRoom(before, { ...before, memoryBytes: 2, hostPorts: [...before.hostPorts, ...port(81).hostPorts] }),
    ).toBe(false)
  })
})
