import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failed, notFound, unavailable } from '../../../src/core/errors.ts'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { clusterKeys, createMemoryStore, rescheduledCodec, type Store } from '../../../src/discovery/index.ts'
import type { ContainerInspect, Engine } from '../../../src/docker-api/index.ts'
import type { HeldContainer, Inventory, NodeCondition } from '../../../src/manager/inventory/index.ts'
import { Rescheduler } from '../../../src/manager/reschedule/rescheduler.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { held } from './held.ts'

const keys = clusterKeys('test')
let clock: ManualClock
let store: Store
let nodes: Record<string, NodeCondition>
/** What really lies on the nodes; those that are down keep theirs. */
let containers: HeldContainer[]
let calls: string[]
let running: AbortController
let work: Promise<void>
let createFails: Error | undefined
let writeFails: Error | undefined

beforeEach(() => {
  clock = new ManualClock()
  store = createMemoryStore({ clock })
  nodes = { a: 'live', b: 'live' }
  containers = []
  calls = []
  createFails = undefined
  writeFails = undefined
  running = new AbortController()
})
afterEach(async () => {
  running.abort()
  await clock.advance(0)
  await work.catch(() => {})
})

function engineOf(node: string): Engine {
  const own = (id: string): HeldContainer => {
    const found = containers.find(each => each.node === node && each.id === id)
    if (found === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${id}`)
    return found
  }
  return stubEngine({
    containers: {
      inspect: async id => {
        const { name } = own(id)
        const Networks = { back: { Aliases: ['db'] } }
        return {
          Id: id,
          Config: { Image: name },
          HostConfig: {},
          NetworkSettings: { Networks },
        } as unknown as ContainerInspect
      },
      start: async id => {
        calls.push(`start ${id} on ${node}`)
        containers = containers.map(each => (each === own(id) ? { ...each, status: 'running' } : each))
        return true
      },
      remove: async (id, options) => {
        calls.push(`remove ${id} on ${node} ${JSON.stringify(options)}`)
        const gone = own(id)
        containers = containers.filter(each => each !== gone)
      },
    },
    networks: {
      connect: async (network, id, endpoint) => void calls.push(`connect ${network} ${id} ${JSON.stringify(endpoint)}`),
    },
  })
}

const inventory: Inventory = {
  nodes: () => Object.entries(nodes).map(([name, condition]) => ({ name, condition }) as never),
  node: name => (nodes[name] === undefined ? undefined : ({ name, condition: nodes[name] } as never)),
  containers: () => containers,
  named: () => [],
  find: () => [],
  version: () => 0,
  onChange: () => () => {},
  settled: async () => {},
  refresh: async () => {},
}

function begin(): void {
  let made = 1
  running = new AbortController()
  const rescheduler = new Rescheduler({
    store,
    keys,
    inventory,
    engineOf,
    write: async ({ compares, operations }) => {
      if (writeFails !== undefined) throw writeFails
      return store.txn(compares, operations)
    },
    nanoCpusOf: () => 4e9,
    create: async ({ request, name }) => {
      calls.push(`create ${name} ${JSON.stringify(request)}`)
      if (createFails !== undefined) throw createFails
      made++
      containers.push(held('b', `${name}@${made}`, { status: 'created' }))
      return { node: 'b', id: `${name}@${made}` }
    },
    clock,
    log: silentLog,
  })
  work = rescheduler.run(running.signal)
}

async function noted(): Promise<Record<string, string>> {
  const { items } = await store.list(keys.reschedules)
  return Object.fromEntries(
    items.map(({ value }) => {
      const { swarmId, node, containerId, running: isUp } = rescheduledCodec.decode(value)
      return [swarmId, `${containerId} on ${node}${isUp ? ', running' : ''}`]
    }),
  )
}

describe('a container that is to outlive its node', () => {
  it('is noted, made anew with its networks, and started if it ran', async () => {
    containers = [held('a', 'x@1'), held('a', 'y@1', { status: 'exited' }), held('a', 'z@1', { labels: {} })]
    begin()
    await clock.advance(10)
    expect(await noted()).toEqual({ x: 'x@1 on a, running', y: 'y@1 on a' })
    nodes['a'] = 'down'
    await clock.advance(10_000)
    expect(calls).toEqual([
      'create x {"Image":"x","HostConfig":{}}',
      'connect back x@2 {"Aliases":["db"]}',
      'start x@2 on b',
      'create y {"Image":"y","HostConfig":{}}',
      'connect back y@3 {"Aliases":["db"]}',
    ])
    expect(await noted()).toEqual({ x: 'x@2 on b, running', y: 'y@3 on b' })
  })

  it('is moved by the next manager, which knows of it only from the store', async () => {
    containers = [held('a', 'x@1')]
    begin()
    await clock.advance(10)
    running.abort()
    await clock.advance(10)
    nodes = { b: 'live' }
    containers = []
    begin()
    await clock.advance(10)
    expect(await noted()).toEqual({ x: 'x@2 on b, running' })
    expect(calls).toContain('start x@2 on b')
  })

  it('is tried again, ever more rarely, until some node takes it', async () => {
    containers = [held('a', 'x@1')]
    begin()
    await clock.advance(10)
    nodes['a'] = 'down'
    createFails = failed('NO_NODE_FITS', 'no resources available to schedule container')
    await clock.advance(120_000)
    const tries = calls.length
    expect(tries).toBeGreaterThan(3)
    expect(tries).toBeLessThan(12)
    createFails = undefined
    await clock.advance(65_000)
    expect(await noted()).toEqual({ x: 'x@2 on b, running' })
  })

  it('is removed from the node that comes back with it, volumes kept', async () => {
    containers = [held('a', 'x@1')]
    begin()
    await clock.advance(10)
    nodes['a'] = 'down'
    await clock.advance(6_000)
    nodes['a'] = 'live'
    calls = []
    await clock.advance(6_000)
    expect(calls).toEqual(['remove x@1 on a {"force":true,"volumes":false}'])
    expect(containers.map(({ id }) => id)).toEqual(['x@2'])
  })

  it('is forgotten when it was removed, once its engine says so too', async () => {
    containers = [held('a', 'x@1')]
    begin()
    await clock.advance(10)
    containers = []
    await clock.advance(6_000)
    expect([await noted(), calls]).toEqual([{}, []])
  })

  it('is taken back where it was made anew but could not be noted', async () => {
    containers = [held('a', 'x@1')]
    begin()
    await clock.advance(10)
    nodes['a'] = 'down'
    writeFails = failed('STORE_FULL', 'etcd is out of space')
    await clock.advance(6_000)
    expect(calls).toContain('remove x@2 on b {"force":true,"volumes":true}')
    writeFails = undefined
    await clock.advance(6_000)
    expect(await noted()).toEqual({ x: 'x@3 on b, running' })
    expect(containers.filter(({ node }) => node === 'b')).toHaveLength(1)
  })
})

it('ends when another manager leads', async () => {
  containers = [held('a', 'x@1')]
  writeFails = unavailable('NOT_LEADER', 'This manager no longer leads the cluster; try again')
  begin()
  await expect(work).rejects.toBe(writeFails)
})

it('leaves alone what it cannot read, and goes on', async () => {
  await store.txn([], [{ put: keys.reschedule('odd'), value: '{"swarmId":5}' }])
  containers = [held('a', 'x@1')]
  begin()
  await clock.advance(10)
  expect((await store.get(keys.reschedule('odd')))?.value).toBe('{"swarmId":5}')
  expect((await store.get(keys.reschedule('x')))?.value).toContain('"node":"a"')
})
