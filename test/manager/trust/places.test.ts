import { expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { clusterKeys, createMemoryStore, trustCodec } from '../../../src/discovery/index.ts'
import { publishPlace } from '../../../src/manager/index.ts'

it('says where a manager is, keeps what it said of its store, and writes nothing twice', async () => {
  const ports = { store: createMemoryStore({ clock: systemClock }), keys: clusterKeys('c') }
  const read = async () => {
    const kv = await ports.store.get(ports.keys.managerPlace('m1'))
    return { revision: kv?.modRevision, place: trustCodec.decode(kv?.value ?? '') }
  }
  const m1 = { name: 'm1', address: '10.0.0.1:3376' }
  await publishPlace({ ...m1, member: { peer: '10.0.0.1:2380', endpoint: '10.0.0.1:2379' } }, ports)
  await publishPlace({ ...m1, address: '10.0.0.8:3376' }, ports)
  const told = { kind: 'manager', name: 'm1', address: '10.0.0.8:3376', storePeer: '10.0.0.1:2380' }
  const { revision, place } = await read()
  expect(place).toEqual({ ...told, store: '10.0.0.1:2379' })
  await publishPlace({ ...m1, address: '10.0.0.8:3376' }, ports)
  expect((await read()).revision).toBe(revision)
  // A copy that does not answer any more.
  await publishPlace({ ...m1, address: '10.0.0.8:3376', member: { peer: '10.0.0.1:2380', endpoint: undefined } }, ports)
  expect((await read()).place).toEqual(told)
})
