import { expect, it } from 'vitest'
import type { ContainerSummary, SystemInfo } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, get, lab, startFront } from './front-lab.ts'

const ID = 'a'.repeat(64)
const ANYWHERE = [
  { HostIp: '0.0.0.0', HostPort: '8080' },
  { HostIp: '::', HostPort: '8080' },
  { HostIp: '127.0.0.1', HostPort: '8081' },
]

const answered = async () =>
  ({ Containers: 1, ContainersRunning: 1, ContainersPaused: 0, ContainersStopped: 0 }) as never

async function cluster(labels: Readonly<Record<string, string>>, info = answered): Promise<number> {
  const inspect = {
    Id: ID,
    Name: '/web',
    Created: '2026-01-01T00:00:00Z',
    Image: 'sha256:i',
    State: { Running: true, Status: 'running', StartedAt: '2026-01-01T00:00:00Z' },
    Config: { Labels: labels },
    HostConfig: { Memory: 20 * 1024 ** 2, NanoCpus: 5e8 },
    NetworkSettings: { Ports: { '80/tcp': ANYWHERE, '81/tcp': null }, Networks: {} },
  }
  const engine = stubEngine({
    info,
    containers: {
      list: async () => [{ Id: ID, Names: ['/web'], Created: 1, State: 'running', Labels: labels }] as never,
      inspect: async () => inspect as never,
    },
  })
  await addNode('n1', engine)
  return startFront()
}

it('shows the address of its node where a port of a container is bound to all addresses', async () => {
  const { body } = await get(await cluster({}), '/containers/web/json')
  expect(body).toMatchObject({
    Node: { Name: 'n1', IP: '10.0.0.1' },
    NetworkSettings: {
      Ports: {
        '80/tcp': [{ HostIp: '10.0.0.1' }, { HostIp: '10.0.0.1' }, { HostIp: '127.0.0.1', HostPort: '8081' }],
        '81/tcp': null,
      },
    },
  })
})

it('names the node of a project in a label, by which lists can be narrowed, and of nothing else', async () => {
  const list = async (port: number, filters = '{}') =>
    (await get(port, `/containers/json?filters=${encodeURIComponent(filters)}`)).body as ContainerSummary[]
  const own = { 'com.docker.compose.project': 'shop' }
  const port = await cluster(own)
  expect((await list(port))[0]?.Labels).toEqual({ ...own, 'com.docker.compose.engine': 'n1' })
  expect(await list(port, '{"label":["com.docker.compose.engine=n1"]}')).toHaveLength(1)
  expect(await list(port, '{"label":["com.docker.compose.engine=n2"]}')).toHaveLength(0)
  expect((await list(await cluster({ a: 'b' })))[0]?.Labels).not.toHaveProperty('com.docker.compose.engine')
})

it('counts in docker info and of nodes what containers that are no task of a service have reserved', async () => {
  const port = await cluster({})
  await get(port, '/containers/web/json')
  const { body } = await get(port, '/info')
  const { SystemStatus } = body as { SystemStatus: [string, string][] }
  expect(SystemStatus).toContainEqual(['  └ Reserved Memory', '20 MiB / 8 GiB'])
  expect(SystemStatus).toContainEqual(['  └ Reserved CPUs', '0.5 / 4'])
  const reserved = { nanoCpus: 5e8, memoryBytes: 20 * 2 ** 20 }
  expect((await get(port, '/v1/nodes')).body).toMatchObject([{ name: 'n1', tasks: 0, reserved }])
  expect((await get(port, '/v1/nodes/n1')).body).toMatchObject({ reserved })
})

it('tells in docker info what may be reserved, overcommit included', async () => {
  lab.overcommit = 0.5
  const { body } = await get(await cluster({}), '/info')
  const { SystemStatus, NCPU, MemTotal } = body as SystemInfo
  const shown = new Map(SystemStatus)
  expect(shown.get('  └ Reserved Memory')).toMatch(/ \/ 12 GiB$/)
  expect(shown.get('  └ Reserved CPUs')).toMatch(/ \/ 6$/)
  expect([NCPU, MemTotal]).toEqual([6, 12 * 2 ** 30])
})

it('tells in docker info what it knows of a node that is late to say so itself', async () => {
  const port = await cluster({}, () => new Promise(() => {}))
  await get(port, '/containers/web/json')
  const info = (await get(port, '/info')).body as { SystemStatus: [string, string][] }
  expect(info).toMatchObject({ Containers: 1, ContainersRunning: 1, ContainersStopped: 0 })
  expect(info.SystemStatus).toContainEqual(['  └ Status', 'Healthy'])
  expect(info.SystemStatus).toContainEqual(['  └ Containers', '1 (1 Running, 0 Paused, 0 Stopped)'])
})
