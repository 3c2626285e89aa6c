import { afterEach, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import type { NetworkInspect, NetworkOperations } from '../../src/docker-api/index.ts'
import { createDockerServer } from '../../src/docker-api/server/index.ts'
import { stubEngine } from '../support/stub-engine.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Calls the routes; `heard` is what reached the engine. */
async function serve() {
  const heard: unknown[][] = []
  const hear =
    <T>(verb: string, answer: T) =>
    (...given: unknown[]): Promise<T> => {
      heard.push([verb, ...given])
      return Promise.resolve(answer)
    }
  const networks: Partial<NetworkOperations> = {
    create: hear('create', { Id: 'n1', Warning: '' }),
    connect: hear('connect', undefined),
    disconnect: hear('disconnect', undefined),
    inspect: hear('inspect', { Name: 'app', Scope: 'local' } as NetworkInspect),
    prune: hear('prune', []),
  }
  const server = await createDockerServer({ engine: stubEngine({ networks }), log: silentLog })
  closing.push(() => server.close())
  const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'] })
  const call = async (method: string, path: string, body?: string) => {
    const answer = await fetch(host.replace('tcp:', 'http:') + path, {
      method,
      ...(body === undefined ? {} : { body }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  return { call, heard }
}

it('reads the fields of a network, and names the one that is wrong', async () => {
  const { call, heard } = await serve()
  const body = { Name: 'app', EnableIPv6: true, IPAM: { Config: [{ Subnet: 'fd00::/64' }] }, Options: null }
  expect(await call('POST', '/networks/create', JSON.stringify(body))).toMatchObject({
    status: 201,
    body: { Id: 'n1' },
  })
  expect(heard).toEqual([['create', { Name: 'app', EnableIPv6: true, IPAM: { Config: [{ Subnet: 'fd00::/64' }] } }]])
  for (const [wrong, field] of [
    ['{"Name":5}', 'Name'],
    ['{"Name":"x","Options":5}', 'Options'],
    ['{"Name":"x","Options":{"a":{}}}', 'Options'],
    ['{"Name":"x","IPAM":{"Config":"10.0.0.0/8"}}', 'IPAM.Config'],
    ['{"Name":"x","IPAM":{"Config":[{"AuxiliaryAddresses":["10.0.0.1"]}]}}', 'AuxiliaryAddresses'],
    ['{"Name":"x","EnableIPv6":"yes"}', 'EnableIPv6'],
    ['{"Name":"x","Labels":[]}', 'Labels'],
    ['{}', 'name'],
    ['[]', 'object'],
  ] as const) {
    const answer = await call('POST', '/networks/create', wrong)
    expect(answer, wrong).toMatchObject({ status: 400, body: { message: expect.stringContaining(field) } })
  }
  expect(heard).toHaveLength(1)
})

it('joins and leaves, and wants to know who', async () => {
  const { call, heard } = await serve()
  const config = { Aliases: ['web'], IPAMConfig: { IPv4Address: '10.0.0.2' } }
  await call('POST', '/networks/app/connect', JSON.stringify({ Container: 'c1', EndpointConfig: config }))
  await call('POST', '/networks/app/connect', '{"Container":"c1","EndpointConfig":null}')
  await call('POST', '/networks/app/disconnect', '{"Container":"c1","Force":true}')
  expect(heard).toEqual([
    ['connect', 'app', 'c1', config],
    ['connect', 'app', 'c1', {}],
    ['disconnect', 'app', 'c1', { force: true }],
  ])
  for (const verb of ['connect', 'disconnect']) {
    expect(await call('POST', `/networks/app/${verb}`, '{}')).toMatchObject({
      status: 400,
      body: { message: 'invalid name or ID supplied: ""' },
    })
    expect((await call('POST', `/networks/app/${verb}`, '{"Container":["c1"]}')).status).toBe(400)
  }
  expect(heard).toHaveLength(3)
})

it('reads what is asked about a network', async () => {
  const { call } = await serve()
  expect((await call('GET', '/networks/app?scope=local&verbose=1')).status).toBe(200)
  expect((await call('GET', '/networks/app?scope=swarm')).status).toBe(404)
  expect((await call('GET', '/networks/app?verbose=maybe')).status).toBe(400)
  expect((await call('POST', '/networks/prune')).body).toEqual({ NetworksDeleted: null })
})
