import { expect, it } from 'vitest'
import { failed, notFound } from '../../../src/core/errors.ts'
import type { Engine } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, lab, send, startFront } from './front-lab.ts'

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
