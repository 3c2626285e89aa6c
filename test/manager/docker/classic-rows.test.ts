import { describe, expect, it } from 'vitest'
import type { ContainerCreateRequest, ContainerSummary, SystemInfo } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, get, send, startFront } from './front-lab.ts'

/** What classic Swarm does with containers and nodes that is seen only through its API. */

const created: (readonly [node: string, request: ContainerCreateRequest])[] = []

async function cluster(lines: readonly object[] = []): Promise<number> {
  created.splice(0)
  for (const node of ['n1', 'n2']) {
    const engine = stubEngine({
      version: async () => ({ ApiVersion: '1.41' }) as never,
      networks: { list: async () => [{ Name: 'own', Id: `${node}-own`, Scope: 'local', Driver: 'bridge' }] as never },
      containers: {
        list: async () => (node === 'n1' ? (lines as never) : []),
        inspect: async () => Promise.reject(new Error('not now')),
        create: async request => {
          created.push([node, request])
          return { Id: 'c'.repeat(64), Warnings: [] }
        },
      },
    })
    await addNode(node, engine, {
      storageDriver: 'overlay2',
      platform: { os: 'linux', arch: 'x86_64', kernel: node === 'n1' ? '5.10' : '6.1', operatingSystem: 'Debian 12' },
      labels: { kernelversion: '9.9', node: 'n9', rack: node === 'n1' ? 'left' : 'right' },
    })
  }
  return startFront()
}

const create = (port: number, body: object) =>
  send(port, 'POST', '/containers/create', { Image: 'app:1', Cmd: ['x'], ...body })

describe('containers', () => {
  it('of the image swarm are shown to those who ask for all', async () => {
    const line = (Id: string, Image: string) => ({
      Id: Id.repeat(64),
      Names: [`/${Id}`],
      Created: 1,
      State: 'running',
      Image,
    })
    const port = await cluster([line('a', 'swarm:1.2.9'), line('b', 'swarm'), line('d', 'swarmer:1')])
    const names = async (query: string) =>
      ((await get(port, `/containers/json${query}`)).body as readonly ContainerSummary[]).flatMap(({ Names }) => Names)
    expect(await names('')).toEqual(['/n1/d'])
    expect((await names('?all=1')).toSorted()).toEqual(['/n1/a', '/n1/b', '/n1/d'])
  })

  it('have the limits that clients of old write beside the others', async () => {
    const port = await cluster()
    expect((await create(port, { Memory: 64 << 20, CpuShares: 1, Cpuset: '0' })).status).toBe(201)
    expect(created[0]?.[1].HostConfig).toMatchObject({ Memory: 64 << 20, CpusetCpus: '0' })
    // A number of CPUs, which an engine counts in 1,024 parts of all it has.
    expect(created[0]?.[1].HostConfig?.CpuShares).toBeGreaterThan(0)
    expect(created[0]?.[1]).not.toHaveProperty('Memory')
  })

  it('go where the network is that is named with its node', async () => {
    const port = await cluster()
    for (const node of ['n2', 'n1']) {
      expect((await create(port, { HostConfig: { NetworkMode: `${node}/own` } })).status).toBe(201)
    }
    expect(created.map(([node, { HostConfig }]) => `${node} ${HostConfig?.NetworkMode}`)).toEqual(['n2 own', 'n1 own'])
  })

  it.each([
    [['constraint:kernelversion==6.*'], 'n2'],
    [['constraint:kernelversion==5.10', 'constraint:storagedriver==overlay2'], 'n1'],
    [['constraint:operatingsystem==Debian*', 'constraint:ostype==linux', 'constraint:rack==right'], 'n2'],
    [['constraint:node==n2'], 'n2'],
  ])('are placed by what every engine says of itself: %j', async (Env, node) => {
    expect((await create(await cluster(), { Env })).status).toBe(201)
    expect(created.map(([where]) => where)).toEqual([node])
  })
})

it('labels of an engine hide none of those that all have', async () => {
  const { SystemStatus = [] } = (await get(await cluster(), '/info')).body as SystemInfo
  const labels = (SystemStatus ?? []).flatMap(([key, value]) => (/Labels/.test(key ?? '') ? [value] : []))
  expect(labels[0]).toMatch(
    /^kernelversion=5\.10, .*operatingsystem=Debian 12, ostype=linux, rack=left, storagedriver=overlay2$/,
  )
})
