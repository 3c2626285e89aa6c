import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failed, notFound, ShoalError, unavailable } from '../../../src/core/errors.ts'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { clusterKeys, createMemoryStore, rescheduledCodec, type Store } from '../../../src/discovery/index.ts'
import type { ContainerInspect, EndpointConfig, Engine } from '../../../src/docker-api/index.ts'
import type { HeldContainer, Inventory, NodeCondition } from '../../../src/manager/inventory/index.ts'
import { Rescheduler } from '../../../src/manager/reschedule/rescheduler.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { EMPTY_INVENTORY } from '../empty-inventory.ts'
import { held, record } from './held.ts'

const keys = clusterKeys('test')
let clock: ManualClock
let store: Store
let nodes: Record<string, NodeCondition>
/** What really lies on the nodes; those that are down keep theirs. */
let containers: HeldContainer[]
let calls: string[]
let running: AbortController
let work: Promise<void>
let made: number
/** What a creation, or a write, does besides: throw, perhaps after it was done. */
let onCreate: () => Promise<void> | void
let onWrite: (apply: () => Promise<unknown>) => Promise<unknown>
let leads: boolean
let onConnect: (network: string, endpoint: EndpointConfig) => void

beforeEach(() => {
  clock = new ManualClock()
  store = createMemoryStore({ clock })
  nodes = { a: 'live', b: 'live' }
  containers = []
  calls = []
  made = 1
  onCreate = () => {}
  onConnect = () => {}
  onWrite = apply => apply()
  leads = true
})
afterEach(async () => {
  running.abort()
  await clock.advance(0)
  await work.catch(() => {})
})

function engineOf(node: string): Engine {
  if (nodes[node] !== 'live') throw unavailable('NODE_DOWN', `Node ${node} is not there`)
  const own = (id: string): HeldContainer => {
    const found = containers.find(each => each.node === node && each.id === id)
    if (found === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${id}`)
    return found
  }
  return stubEngine({
    containers: {
      inspect: async id => ({ Id: own(id).id }) as unknown as ContainerInspect,
      start: async id => {
        calls.push(`start ${id} on ${node}`)
        const starting = own(id)
        containers = containers.map(each => (each === starting ? { ...each, status: 'running' } : each))
        return true
      },
      remove: async (id, options) => {
        calls.push(`remove ${id} on ${node} ${JSON.stringify(options)}`)
        const gone = own(id)
        containers = containers.filter(each => each !== gone)
      },
    },
    networks: {
      connect: async (network, id, endpoint) => {
        calls.push(`connect ${id} to ${network} ${JSON.stringify(endpoint)}`)
        onConnect(network, endpoint)
      },
      disconnect: async (network, id) => void calls.push(`disconnect ${id} from ${network}`),
    },
  })
}

const onNode = (name: string) => containers.filter(({ node }) => node === name)
const nodeOf = (name: string) => {
  const condition = nodes[name]
  if (condition === undefined) return undefined
  return { name, condition, containers: new Map(onNode(name).map(each => [each.id, each])) } as never
}
const inventory: Inventory = { ...EMPTY_INVENTORY, node: nodeOf, containers: () => containers }

function begin(): Rescheduler {
  running = new AbortController()
  const rescheduler = new Rescheduler({
    store,
    keys,
    inventory,
    engineOf,
    confirmLead: async () => {
      if (!leads) throw unavailable('NOT_LEADER', 'This manager does not lead any more; try again')
    },
    write: ({ compares, operations }) => onWrite(() => store.txn(compares, operations)),
    create: async ({ name, request }, onChosen) => {
      calls.push(`create ${name} ${JSON.stringify(request)}`)
      await onCreate()
      await onChosen('b')
      made++
      containers.push(held('b', `${name}@${made}`, { status: 'created' }))
      return { node: 'b', id: `${name}@${made}` }
    },
    clock,
    log: silentLog,
  })
  work = rescheduler.run(running.signal)
  work.catch(() => {})
  return rescheduler
}

/** Begins with these containers on node a, taken into care as their creation does. */
async function caring(...ids: readonly string[]): Promise<void> {
  const rescheduler = begin()
  for (const id of ids) {
    containers.push(held('a', id))
    await rescheduler.keep(record('a', id))
  }
  await clock.advance(1_000)
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
  it('is made anew from what its creator asked for, and started if it ran', async () => {
    await caring('x@1', 'y@1')
    containers = containers.map(each => (each.id === 'y@1' ? { ...each, status: 'exited' } : each))
    await clock.advance(2_000)
    expect(await noted()).toEqual({ x: 'x@1 on a, running', y: 'y@1 on a' })
    nodes['a'] = 'down'
    await clock.advance(10_000)
    expect(calls).toEqual(['create x {"Image":"x"}', 'create y {"Image":"y"}', 'start x@2 on b'])
    expect(await noted()).toEqual({ x: 'x@2 on b, running', y: 'y@3 on b' })
  })

  it('is moved by the next manager, but not while its node may be about to register', async () => {
    await caring('x@1')
    running.abort()
    await clock.advance(10)
    nodes = { b: 'live' }
    begin()
    await clock.advance(25_000)
    expect(calls).toEqual([])
    await clock.advance(10_000)
    expect(await noted()).toEqual({ x: 'x@2 on b, running' })
    expect(calls).toContain('start x@2 on b')
  })

  it('stays where it is if its node is back in time', async () => {
    await caring('x@1')
    nodes['a'] = 'down'
    onCreate = () => void (nodes['a'] = 'live')
    await clock.advance(20_000)
    expect([calls, await noted()]).toEqual([['create x {"Image":"x"}'], { x: 'x@1 on a, running' }])
    expect(containers).toHaveLength(1)
  })

  it('is tried again, ever more rarely, until some node takes it', async () => {
    await caring('x@1')
    nodes['a'] = 'down'
    onCreate = () => {
      throw failed('NO_NODE_FITS', 'no resources available to schedule container')
    }
    await clock.advance(120_000)
    const tries = calls.length
    expect(tries).toBeGreaterThan(3)
    expect(tries).toBeLessThan(12)
    onCreate = () => {}
    await clock.advance(65_000)
    expect(await noted()).toEqual({ x: 'x@2 on b, running' })
  })

  it('does not hold up others while its image is being pulled', async () => {
    await caring('x@1', 'y@1')
    nodes['a'] = 'down'
    const pulled = Promise.withResolvers<void>()
    onCreate = () => (calls.length === 1 ? pulled.promise : undefined)
    await clock.advance(10_000)
    expect(await noted()).toEqual({ x: 'x@1 on a, running', y: 'y@2 on b, running' })
    pulled.resolve()
    await clock.advance(2_000)
    expect(await noted()).toEqual({ x: 'x@3 on b, running', y: 'y@2 on b, running' })
  })

  it('is removed from the node that comes back with it, volumes kept', async () => {
    await caring('x@1')
    nodes['a'] = 'down'
    await clock.advance(10_000)
    nodes['a'] = 'live'
    calls = []
    await clock.advance(6_000)
    expect(calls).toEqual(['remove x@1 on a {"force":true,"volumes":false}'])
    expect(containers.map(({ id }) => id)).toEqual(['x@2'])
  })

  it('is forgotten when it was removed, once its engine says so too', async () => {
    await caring('x@1')
    containers = []
    await clock.advance(6_000)
    expect([await noted(), calls]).toEqual([{}, []])
  })

  it('is not lost when the answer to a write is, nor made twice', async () => {
    await caring('x@1')
    nodes['a'] = 'down'
    let writes = 0
    onWrite = async apply => {
      writes++
      await apply()
      if (writes === 2) throw unavailable('STORE_UNAVAILABLE', 'the store does not answer')
    }
    await clock.advance(30_000)
    expect(await noted()).toEqual({ x: 'x@2 on b, running' })
    expect(calls).toEqual(['create x {"Image":"x"}', 'start x@2 on b'])
    expect(onNode('b').map(({ status }) => status)).toEqual(['running'])
  })
})

describe('the networks that a container joined after it was made', () => {
  async function joined(networks: Record<string, EndpointConfig | null>): Promise<void> {
    const rescheduler = begin()
    containers.push(held('a', 'x@1'))
    await rescheduler.keep(record('a', 'x@1'))
    for (const [name, endpoint] of Object.entries(networks)) {
      await rescheduler.noteNetwork({ node: 'a', id: 'x@1' }, name, endpoint)
    }
    await clock.advance(1_000)
  }
  const fixed = { Aliases: ['db'], IPAMConfig: { IPv4Address: '10.9.0.7' } }

  it('are joined again, or left, before it is started', async () => {
    await joined({ back: fixed, front: {}, first: null })
    nodes['a'] = 'down'
    await clock.advance(10_000)
    expect(calls.slice(1)).toEqual([
      `connect x@2 to back ${JSON.stringify(fixed)}`,
      'connect x@2 to front {}',
      'disconnect x@2 from first',
      'start x@2 on b',
    ])
    // For the next time its node fails.
    const kept = rescheduledCodec.decode((await store.get(keys.reschedule('x')))?.value ?? '')
    expect([kept.node, kept.networks]).toEqual(['b', { back: fixed, front: {}, first: null }])
  })

  it('are joined without the address if that is taken, and done without if they are gone', async () => {
    await joined({ back: fixed, gone: {} })
    onConnect = (network, endpoint) => {
      if (network === 'gone') throw notFound('NO_SUCH_NETWORK', 'network gone not found')
      if (endpoint.IPAMConfig !== undefined) throw new ShoalError('ADDRESS_TAKEN', 403, 'Address already in use')
    }
    nodes['a'] = 'down'
    await clock.advance(10_000)
    expect(calls).toContain('connect x@2 to back {"Aliases":["db"]}')
    expect(calls.at(-1)).toBe('start x@2 on b')
  })

  it('are tried again while the node does not answer, also by the next manager', async () => {
    await joined({ back: {} })
    onConnect = () => {
      throw unavailable('NODE_DOWN', 'node b does not answer')
    }
    nodes['a'] = 'down'
    await clock.advance(10_000)
    expect(calls).not.toContain('start x@2 on b')
    running.abort()
    await clock.advance(10)
    onConnect = () => {
      throw new ShoalError('CONNECTED', 403, 'endpoint with name x already exists in network back')
    }
    begin()
    await clock.advance(10_000)
    expect(calls.slice(-2)).toEqual(['connect x@2 to back {}', 'start x@2 on b'])
    expect(calls.filter(call => call.startsWith('create'))).toHaveLength(1)
  })

  it('are not noted of a container that is not in care, or lies elsewhere by now', async () => {
    await joined({})
    const rescheduler = begin()
    await clock.advance(100)
    await rescheduler.noteNetwork({ node: 'b', id: 'x@1' }, 'back', {})
    await rescheduler.noteNetwork({ node: 'a', id: 'y@1' }, 'back', {})
    expect((await store.get(keys.reschedule('x')))?.value).not.toContain('back')
  })
})

it('outlasts a store that is away, and ends when another manager leads', async () => {
  await caring('x@1')
  nodes['a'] = 'down'
  onWrite = () => Promise.reject(unavailable('STORE_UNAVAILABLE', 'the store does not answer'))
  await clock.advance(30_000)
  expect(await noted()).toEqual({ x: 'x@1 on a, running' })
  const deposed = unavailable('NOT_LEADER', 'This manager no longer leads the cluster; try again')
  onWrite = () => Promise.reject(deposed)
  await clock.advance(120_000)
  await expect(work).rejects.toBe(deposed)
})

it('does nothing to engines once another manager leads', async () => {
  await caring('x@1')
  nodes['a'] = 'down'
  await clock.advance(10_000)
  calls = []
  leads = false
  nodes['a'] = 'live'
  await clock.advance(10_000)
  await expect(work).rejects.toMatchObject({ code: 'NOT_LEADER' })
  expect(calls).toEqual([])
})

it('leaves alone what it cannot read, and goes on', async () => {
  await store.txn([], [{ put: keys.reschedule('odd'), value: '{"swarmId":5}' }])
  await caring('x@1')
  expect((await store.get(keys.reschedule('odd')))?.value).toBe('{"swarmId":5}')
  expect((await store.get(keys.reschedule('x')))?.value).toContain('"node":"a"')
})
