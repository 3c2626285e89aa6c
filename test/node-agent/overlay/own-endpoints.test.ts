import { expect, it } from 'vitest'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import type { EndpointRecord, NetworkRecord } from '../../../src/core/model/node.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { clusterKeys, createMemoryStore, endpointCodec, type Store } from '../../../src/discovery/index.ts'
import { freeAddress, macFor, OwnEndpoints } from '../../../src/node-agent/overlay/own-endpoints.ts'

const keys = clusterKeys('c')
const NET: NetworkRecord = { name: 'net', project: 'p', vni: 1, subnet: '10.2.0.0/29', internal: false, labels: {} }
const make =
  (node: string, taskId: string) =>
  (address: string): EndpointRecord => ({
    network: 'net',
    address,
    mac: macFor(address),
    node,
    hostAddress: '192.0.2.1',
    kind: 'reserved',
    names: ['web'],
    taskId,
    healthy: false,
  })

function setUp(seed = 1) {
  const store = createMemoryStore({ clock: new ManualClock() })
  const open = (node: string, link: Store = store, nodeSeed = seed) => ({
    node,
    own: new OwnEndpoints({ store: link, keys, random: seededRandom(nodeSeed), log: silentLog }),
  })
  const stored = async () => (await store.list(keys.endpoints)).items.map(item => endpointCodec.decode(item.value))
  return { store, open, stored }
}

it('never gives one address to two nodes, whatever both believe is free', async () => {
  const { open, stored } = setUp()
  const [a, b] = [open('a'), open('b')]
  const claims = await Promise.all(
    [a, b, a, b, a, b].map(({ own, node }, index) => own.claim(NET, new Set(), make(node, `t${index}`))),
  )
  expect(new Set(claims.map(({ address }) => address)).size).toBe(6)
  expect(await stored()).toHaveLength(6)
  await expect(a.own.claim(NET, new Set(), make('a', 'late'))).rejects.toMatchObject({ code: 'NO_FREE_ADDRESS' })
})

it('changes an endpoint here at once, and in the store', async () => {
  const { open, stored } = setUp()
  const { own } = open('a')
  const record = await own.claim(NET, new Set(), make('a', 't'))
  const update = own.update({ ...record, kind: 'task', healthy: true })
  expect(own.on('net')).toMatchObject([{ healthy: true }])
  await update
  expect(await stored()).toMatchObject([{ healthy: true, kind: 'task' }])
  await own.update({ ...record, kind: 'task', healthy: false })
  expect(await stored()).toMatchObject([{ healthy: false }])
})

it('stops serving at once when an address is given back, and again can be given', async () => {
  const { open, stored } = setUp()
  const { own } = open('a')
  const record = await own.claim(NET, new Set(), make('a', 't'))
  await own.update({ ...record, healthy: true })
  const release = own.release({ ...record, healthy: true })
  expect(own.on('net')).toMatchObject([{ healthy: false }])
  await release
  expect([own.all(), await stored()]).toEqual([[], []])
})

it('writes again what someone else removed, unless the address has a new owner', async () => {
  const { store, open, stored } = setUp()
  const { own } = open('a')
  const record = await own.claim(NET, new Set(), make('a', 't'))
  const key = keys.endpoint('net', record.address)
  await store.txn([], [{ delete: key }])
  await own.reassert(key)
  expect(await stored()).toEqual([record])
  const thief = make('b', 'x')(record.address)
  await store.txn([], [{ put: key, value: endpointCodec.encode(thief) }])
  await own.update({ ...record, healthy: true })
  expect(await stored()).toEqual([thief])
  expect(own.all()).toEqual([])
})

it('takes its own deletion for no theft', async () => {
  const { store, stored } = setUp()
  let seen: () => Promise<void> = async () => {}
  // The watch shows the deletion before the call that made it returns.
  const eager: Store = {
    ...store,
    txn: async (compares, operations) => {
      const result = await store.txn(compares, operations)
      await seen()
      return result
    },
  }
  const own = new OwnEndpoints({ store: eager, keys, random: seededRandom(1), log: silentLog })
  const record = await own.claim(NET, new Set(), make('a', 't'))
  seen = () => own.reassert(keys.endpoint('net', record.address))
  await own.release(record)
  expect(await stored()).toEqual([])
})

it('leaves another node’s endpoint alone when told to release it', async () => {
  const { open, stored } = setUp()
  const theirs = await open('b').own.claim(NET, new Set(), make('b', 't'))
  await open('a').own.release({ ...theirs, node: 'a' })
  expect(await stored()).toEqual([theirs])
})

it('finds the last free address, and none in a full subnet', () => {
  const all = ['10.2.0.1', '10.2.0.2', '10.2.0.3', '10.2.0.4', '10.2.0.5', '10.2.0.6']
  for (const free of all) {
    const taken = new Set(all.filter(address => address !== free))
    expect(freeAddress('10.2.0.0/29', taken, seededRandom(3))).toBe(free)
  }
  expect(freeAddress('10.2.0.0/29', new Set(all), seededRandom(3))).toBeUndefined()
})
