import { describe, expect, it } from 'vitest'
import { failed, notFound, unavailable } from '../../../src/core/errors.ts'
import type { NetworkRecord } from '../../../src/core/model/node.ts'
import { seededRandom } from '../../../src/core/random.ts'
import type { ContainerCreateRequest, ContainerInspect, EndpointConfig } from '../../../src/docker-api/index.ts'
import { onNetworks } from '../../../src/node-agent/index.ts'
import type { ContainerOverlay } from '../../../src/node-agent/ports.ts'
import { stubEngine } from '../../support/stub-engine.ts'

const ID = 'abcdef012345'.padEnd(64, '6')
const SHOP: NetworkRecord = { name: 'shop', project: '', vni: 5, subnet: '10.1.0.0/24', internal: false, labels: {} }

/** Addresses by owner, as the cluster has them, and what was asked of the engine. */
function lab({ fails = false, on = [] as readonly string[], unclaimed = false, stays = false } = {}) {
  const held = new Map<string, { network: string; names: readonly string[] }>()
  const calls: unknown[] = []
  const looked: string[] = []
  const expected = new Set<string>()
  const overlay: ContainerOverlay = {
    networkOf: name => (name === 'shop' ? SHOP : undefined),
    ensureNetwork: async ({ name }) => void calls.push(`ensure ${name}`),
    claimAddress: async ({ name: network }, { taskId, names }) => {
      held.set(taskId, { network, names })
      return { address: '10.1.0.7', mac: '02:42:0a:01:00:07' }
    },
    change: async (owner, { owner: next = owner, names = before => before }) => {
      if (unclaimed) throw unavailable('STORE_UNAVAILABLE', 'no answer')
      const before = held.get(owner)
      held.delete(owner)
      if (before !== undefined) held.set(next, { ...before, names: names(before.names) })
    },
    leave: async owner => void held.delete(owner),
    releaseTask: async owner => void held.delete(owner),
    publishTask: async () => {},
    owners: () => [...held.keys()],
  }
  const refuse = (): void => {
    if (fails) throw failed('BROKEN', 'no')
  }
  const engine = stubEngine({
    containers: {
      create: async (request: ContainerCreateRequest) => {
        refuse()
        calls.push(request)
        return { Id: ID, Warnings: [] }
      },
      inspect: async () =>
        ({
          Id: ID,
          Name: '/web',
          NetworkSettings: { Networks: Object.fromEntries(on.map(name => [name, {}])) },
        }) as unknown as ContainerInspect,
      remove: async (id, { force }) => {
        if (stays) throw failed('BUSY', 'device is busy')
        calls.push(`remove ${id}${force === true ? ' by force' : ''}`)
      },
    },
    networks: {
      inspect: async id => {
        if (id === 'shop-id') return { Name: 'shop' } as never
        throw notFound('NO_SUCH_NETWORK', id)
      },
      create: async () => ({ Id: 'new', Warning: '' }),
      remove: async id => void calls.push(`remove ${id}`),
      prune: async options => {
        calls.push(options)
        return []
      },
      connect: async (id: string, container: string, endpoint: EndpointConfig) => {
        refuse()
        calls.push([id, container, endpoint])
      },
      disconnect: async id => void calls.push(`disconnect ${id}`),
    },
  })
  const served = onNetworks({
    engine,
    overlay,
    random: seededRandom(1),
    look: async id => void looked.push(id),
    expect: owner => {
      expected.add(owner)
      return () => void expected.delete(owner)
    },
  })
  return { served, held, calls, looked, expected }
}

describe('a container on a network of the cluster', () => {
  it('gets an address of the cluster, and its names are known by its id', async () => {
    const { served, held, calls } = lab()
    const request: ContainerCreateRequest = {
      Image: 'web',
      HostConfig: { NetworkMode: 'shop' },
      NetworkingConfig: { EndpointsConfig: { shop: { Aliases: ['www'] } } },
    }
    expect((await served.containers.create(request, { name: 'web' })).Id).toBe(ID)
    expect(calls).toMatchObject([
      'ensure shop',
      {
        NetworkingConfig: {
          EndpointsConfig: {
            shop: { Aliases: ['www'], IPAMConfig: { IPv4Address: '10.1.0.7' }, MacAddress: '02:42:0a:01:00:07' },
          },
        },
      },
    ])
    expect([...held]).toEqual([[ID, { network: 'shop', names: ['web', ID.slice(0, 12), 'www'] }]])
    await served.containers.remove('web', {})
    expect(held.size).toBe(0)
  })

  it('gets one for the mode alone, and none elsewhere', async () => {
    const { served, held } = lab()
    await served.containers.create({ Image: 'web', HostConfig: { NetworkMode: 'bridge' } }, {})
    expect(held.size).toBe(0)
    await served.containers.create({ Image: 'web', HostConfig: { NetworkMode: 'shop' } }, {})
    expect(held.get(ID)?.names).toEqual(['web', ID.slice(0, 12)])
  })

  it('that cannot be made gives its address back', async () => {
    const { served, held } = lab({ fails: true })
    const made = served.containers.create({ Image: 'web', HostConfig: { NetworkMode: 'shop' } }, {})
    await expect(made).rejects.toThrow('no')
    expect(held.size).toBe(0)
    await expect(served.networks.connect('shop', 'web', {})).rejects.toThrow('no')
    expect(held.size).toBe(0)
  })

  it('is removed again if the cluster cannot be told whose its address is', async () => {
    const { served, held, calls, expected } = lab({ unclaimed: true })
    const made = served.containers.create({ Image: 'web', HostConfig: { NetworkMode: 'shop' } }, {})
    await expect(made).rejects.toThrow('no answer')
    expect(calls.at(-1)).toBe(`remove ${ID} by force`)
    expect([held.size, expected.size]).toEqual([0, 0])
  })

  it('keeps its address for itself if it cannot even be removed', async () => {
    const { served, held, expected } = lab({ unclaimed: true, stays: true })
    const made = served.containers.create({ Image: 'web', HostConfig: { NetworkMode: 'shop' } }, {})
    await expect(made).rejects.toThrow('no answer')
    expect(held.size).toBe(1)
    expect([...expected]).toEqual([...held.keys()])
  })

  it('cannot choose its address', async () => {
    const { served } = lab()
    const fixed = { shop: { IPAMConfig: { IPv4Address: '10.1.0.9' } } }
    const made = served.containers.create({ Image: 'web', NetworkingConfig: { EndpointsConfig: fixed } }, {})
    await expect(made).rejects.toMatchObject({ status: 501, message: expect.stringContaining('10.1.0.9') as string })
  })

  it('joins and leaves it, by its name or by the id that the engine gave it', async () => {
    const { served, held, calls, looked } = lab()
    await served.networks.connect('shop-id', 'web', { Aliases: ['db'] })
    expect(calls.at(-1)).toMatchObject(['shop', ID, { Aliases: ['db'], IPAMConfig: { IPv4Address: '10.1.0.7' } }])
    expect([held.get(ID)?.names, looked]).toEqual([['web', ID.slice(0, 12), 'db'], [ID]])
    await served.networks.disconnect('shop', 'web', {})
    expect([held.size, calls.at(-1)]).toEqual([0, 'disconnect shop'])
  })

  it('that is on it already keeps its address when the engine refuses a second one', async () => {
    const { served, held } = lab({ fails: true, on: ['shop'] })
    held.set(ID, { network: 'shop', names: ['web'] })
    await expect(served.networks.connect('shop', 'web', {})).rejects.toThrow('no')
    expect(held.has(ID)).toBe(true)
  })
})

it('keeps the networks of the cluster from being made, removed or pruned on one node', async () => {
  const { served, calls } = lab()
  await expect(served.networks.create({ Name: 'shop' })).rejects.toMatchObject({ status: 409 })
  await expect(served.networks.remove('shop-id')).rejects.toMatchObject({ status: 409 })
  await served.networks.remove('other')
  await served.networks.prune({ filters: { 'label!': ['a'] } })
  expect(calls).toEqual(['remove other', { filters: { 'label!': ['a', 'shoal.network.vni'] } }])
})
