import { afterEach, beforeEach, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import type { Engine, VolumeInspect } from '../../src/docker-api/index.ts'
import { createDockerServer } from '../../src/docker-api/server/index.ts'

const VOLUME: VolumeInspect = {
  Name: 'data',
  Driver: 'local',
  Mountpoint: '/v/data/_data',
  CreatedAt: '2026-01-02T03:04:05Z',
  Labels: null,
  Scope: 'local',
  Options: null,
}

let asked: object[]
let base: string
let close: () => Promise<void>

beforeEach(async () => {
  asked = []
  const note = <T>(answer: T) => {
    return (request: object) => {
      asked.push(request)
      return Promise.resolve(answer)
    }
  }
  const volumes = { create: note(VOLUME), list: note([VOLUME]), prune: note({ VolumesDeleted: [], SpaceReclaimed: 0 }) }
  const server = await createDockerServer({ engine: { volumes } as object as Engine, log: silentLog })
  const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'] })
  base = host.replace('tcp:', 'http:')
  close = server.close
})
afterEach(() => close())

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(base + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  return { status: response.status, body: await response.json() }
}

it('makes a volume of what it knows of the body', async () => {
  const body = { name: 'data', DriverOpts: null, Labels: { a: 'b' }, Unheard: 1 }
  expect(await call('POST', '/v1.43/volumes/create', body)).toEqual({ status: 201, body: VOLUME })
  expect(asked).toEqual([expect.objectContaining({ Name: 'data', Labels: { a: 'b' } })])
})

it.each([
  [{ Name: 5 }, /Name/],
  [{ Driver: ['local'] }, /Driver/],
  [{ Labels: ['a'] }, /Labels/],
  [{ DriverOpts: { size: 5 } }, /DriverOpts/],
  [[], /expected a JSON object/],
])('refuses %j by its field', async (body, message) => {
  const answer = await call('POST', '/volumes/create', body)
  expect(answer).toMatchObject({ status: 400, body: { message: expect.stringMatching(message) } })
  expect(asked).toEqual([])
})

it('has no volumes of a swarm', async () => {
  const refused = { status: 503, body: { message: expect.stringContaining('swarm is unavailable') } }
  expect(await call('POST', '/volumes/create', { Name: 'x', ClusterVolumeSpec: {} })).toMatchObject(refused)
  expect(await call('PUT', '/volumes/data?version=1', {})).toMatchObject(refused)
})

it.each([
  ['/v1.41/volumes/prune', { all: ['true'] }],
  ['/v1.42/volumes/prune', {}],
  ['/volumes/prune?filters={"all":["false"]}', { all: ['false'] }],
  ['/v1.41/volumes/prune?filters={"label":["a"]}', { label: ['a'], all: ['true'] }],
])('prunes volumes with a name too for clients that know no other way: %s', async (path, filters) => {
  expect(await call('POST', path)).toMatchObject({ status: 200 })
  expect(asked).toEqual([{ filters }])
})

it('lists as docker does', async () => {
  expect(await call('GET', '/volumes')).toEqual({ status: 200, body: { Volumes: [VOLUME], Warnings: null } })
})
