import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { findEngine } from '../../src/main/agent/find-engine.ts'

let server: Server | undefined
afterEach(() => void server?.close())

/** Something that answers these bodies by path. */
async function answering(bodies: Readonly<Record<string, object>>): Promise<string> {
  server = createServer(({ url = '' }, response) => {
    const body = bodies[url]
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body ?? { message: 'page not found' }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const INFO = { ID: 'x', Name: 'host', NCPU: 2, MemTotal: 1e9, Labels: [] }
const find = (address: string) => findEngine(address, { clock: systemClock, tls: undefined })

it('finds an engine where one answers', async () => {
  const address = await answering({ '/info': INFO, '/version': { ApiVersion: '1.41' } })
  expect(await find(address)).toMatchObject({ url: `tcp://${address}`, info: { Name: 'host' } })
})

it('finds none where nobody listens', async () => {
  const address = await answering({})
  const closed = server
  closed?.close()
  expect(await find(address)).toBeUndefined()
})

it.each([
  ['a manager', { '/info': { ...INFO, NCPU: 0 }, '/version': { ApiVersion: '1.41' } }, /not a Swarm manager$/],
  ['an old engine', { '/info': INFO, '/version': { ApiVersion: '1.18' } }, /unsupported version of Docker Engine/],
  ['a web server', {}, /^Something that is no Docker Engine answers at 127/],
])('refuses %s', async (_what, bodies, message) => {
  await expect(find(await answering(bodies))).rejects.toMatchObject({
    code: 'NOT_AN_ENGINE',
    message: expect.stringMatching(message),
  })
})
