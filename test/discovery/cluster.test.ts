import { expect, it } from 'vitest'
import { ManualClock } from '../../src/core/manual-clock.ts'
import type { MemberRecord } from '../../src/core/model/node.ts'
import { seededRandom } from '../../src/core/random.ts'
import {
  clusterKeys,
  createCluster,
  createMemoryStore,
  listMembers,
  requireCluster,
} from '../../src/discovery/index.ts'

const keys = clusterKeys('test')
const clock = new ManualClock()

it('gives a cluster one identity, once', async () => {
  const store = createMemoryStore({ clock })
  await expect(requireCluster(store, keys)).rejects.toMatchObject({ code: 'NO_CLUSTER' })
  const first = await createCluster(store, keys, { clock, random: seededRandom(1) })
  const second = await createCluster(store, keys, { clock, random: seededRandom(2) })
  expect([first.created, second.created]).toEqual([true, false])
  expect(second.meta).toEqual(first.meta)
  expect(await requireCluster(store, keys)).toEqual(first.meta)
})

it('refuses a cluster that a newer version wrote', async () => {
  const store = createMemoryStore({ clock })
  await store.txn([], [{ put: keys.meta, value: JSON.stringify({ clusterId: 'x', formatVersion: 99 }) }])
  await expect(requireCluster(store, keys)).rejects.toMatchObject({ code: 'CLUSTER_TOO_NEW' })
})

it('lists members by name, without those it cannot read, and times out', async () => {
  const store = createMemoryStore({ clock })
  const member = (name: string): Partial<MemberRecord> => ({
    name,
    id: name,
    apiAddress: `${name}:2375`,
    address: name,
    nanoCpus: 1,
    memoryBytes: 1,
    platform: { os: 'linux', arch: 'amd64', kernel: '', operatingSystem: '' },
    labels: {},
    epoch: 1,
  })
  for (const name of ['b', 'a']) {
    await store.txn([], [{ put: keys.member(name), value: JSON.stringify(member(name)) }])
  }
  await store.txn([], [{ put: keys.member('c'), value: '{}' }])
  const members = await listMembers(store, keys, { clock, timeoutMs: 1_000 })
  expect(members.map(({ apiAddress }) => apiAddress)).toEqual(['a:2375', 'b:2375'])
  const silent = { ...store, list: () => new Promise<never>(() => {}) }
  const late = expect(listMembers(silent, keys, { clock, timeoutMs: 1_000 })).rejects.toMatchObject({
    code: 'TIMED_OUT',
    message: 'Timed out',
  })
  await clock.advance(1_000)
  await late
})
