import { expect, it } from 'vitest'
import { failed, notFound } from '../../../src/core/errors.ts'
import type { Engine, SystemInfo } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { keys, memberRecord } from '../support.ts'
import { addNode, get, lab, send, startFront } from './front-lab.ts'

const engineWith = (inspect: () => Promise<never>): Engine =>
  stubEngine({
    version: async () => ({ ApiVersion: '1.41' }) as never,
    networks: { list: async () => [], inspect, prune: async () => [] },
  })
const without = engineWith(async () => {
  throw notFound('NO_SUCH_NETWORK', 'network back not found')
})

function addNetwork(): void {
  const value = {
    name: 'back',
    project: '',
    vni: 4096,
    subnet: '10.9.9.0/24',
    internal: false,
    labels: {},
    createdAtMs: 0,
  }
  lab.networks.set('back', value)
}

it('a network stays while a node does not say whether its containers are on it', async () => {
  let isBusy = true
  await addNode('n1', without)
  await addNode(
    'n2',
    engineWith(async () => {
      throw isBusy ? failed('BUSY', 'busy') : notFound('NO_SUCH_NETWORK', 'network back not found')
    }),
  )
  addNetwork()
  const port = await startFront()
  expect(await send(port, 'DELETE', '/networks/back')).toMatchObject({
    status: 503,
    body: { message: 'Cannot tell whether network back is in use: no answer from n2; try again' },
  })
  expect((await send(port, 'POST', '/networks/prune')).body).toEqual({ NetworksDeleted: null })
  expect(lab.networks.has('back')).toBe(true)
  isBusy = false
  expect((await send(port, 'DELETE', '/networks/back')).status).toBe(204)
  expect(lab.networks.has('back')).toBe(false)
})

it('a network stays while a container of a node that is away is on it, and says which', async () => {
  await addNode('n1', without)
  lab.away = [memberRecord('n2')]
  addNetwork()
  const endpoint = (ip: string, kind: string, node: string, name: string) => {
    const rest = { network: 'back', mac: '', hostAddress: '', healthy: true }
    return {
      put: keys.endpoint('back', ip),
      value: JSON.stringify({ ...rest, address: ip, kind, node, names: [name] }),
    }
  }
  const used = endpoint('10.9.9.2', 'container', 'n2', 'web')
  await lab.store.txn(
    [],
    [
      used,
      endpoint('10.9.9.3', 'gateway', 'n2', 'gateway'),
      endpoint('10.9.9.4', 'reserved', 'n2', 'created'),
      endpoint('10.9.9.5', 'container', 'n1', 'left'),
      endpoint('10.9.9.6', 'container', 'n9', 'given-up'),
      { put: keys.endpoint('back', '10.9.9.7'), value: 'nonsense' },
    ],
  )
  const port = await startFront()
  expect(await send(port, 'DELETE', '/networks/back')).toMatchObject({
    status: 403,
    body: {
      message: expect.stringMatching(
        /has active endpoints: n2\/web, on nodes that are away; bring them back, or give them up with `swarm node rm`$/,
      ) as string,
    },
  })
  expect((await send(port, 'POST', '/networks/prune')).body).toEqual({ NetworksDeleted: null })
  await lab.store.txn([], [{ delete: used.put }])
  expect((await send(port, 'DELETE', '/networks/back')).status).toBe(204)
})

it('a node that goes is shown with since when it is gone, and what was wrong before', async () => {
  await addNode('n1', without)
  await addNode('n2', stubEngine({ containers: { list: async () => Promise.reject(failed('DISK', 'no disk left')) } }))
  const port = await startFront()
  const lines = async (): Promise<readonly (readonly string[])[]> =>
    ((await get(port, '/info')).body as SystemInfo).SystemStatus ?? []
  const told = async (): Promise<string> => (await lines()).find(([key]) => key?.includes('Error'))?.[1] ?? ''
  expect(await told()).toMatch(/no disk left \(since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)$/)
  lab.away = lab.members.splice(1)
  expect(await told()).toMatch(
    /^its agent holds no lease in the store since \d{4}-.*Z: .*, and before that: .*no disk left$/,
  )
  expect((await lines()).some(([key, value]) => key?.includes('UpdatedAt') && value?.startsWith('(not since'))).toBe(
    true,
  )
})

it('a volume is not told to be gone while a node does not say whether it has it', async () => {
  let isBusy = true
  const removed: string[] = []
  const holder = (name: string, busy: () => boolean): Engine =>
    stubEngine({
      version: async () => ({ ApiVersion: '1.41' }) as never,
      volumes: {
        inspect: async volume => {
          if (busy()) throw failed('BUSY', 'busy')
          return { Name: volume, Driver: 'local', Labels: {} } as never
        },
        remove: async () => void removed.push(name),
      },
    })
  await addNode(
    'n1',
    holder('n1', () => false),
  )
  await addNode(
    'n2',
    holder('n2', () => isBusy),
  )
  const port = await startFront()
  expect(await send(port, 'DELETE', '/volumes/data')).toMatchObject({
    status: 503,
    body: { message: 'Cannot tell who has volume data: no answer from n2; try again' },
  })
  expect(removed).toEqual([])
  expect((await send(port, 'DELETE', '/volumes/n1/data')).status).toBe(204)
  isBusy = false
  expect((await send(port, 'DELETE', '/volumes/data')).status).toBe(204)
  expect(removed.toSorted()).toEqual(['n1', 'n1', 'n2'])
})
