import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { Scope } from '../../../src/core/scope.ts'
import { createDockerClient } from '../../../src/docker-api/index.ts'
import { createDockerServer } from '../../../src/docker-api/server/index.ts'
import { type LiveIdentity, readCertificate } from '../../../src/trust/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { guardOf, makeAuthority, makeMember } from './lab.ts'

let scope: Scope
let node: LiveIdentity
let [manager, other]: LiveIdentity[] = []
let port: number

const BEGUN = { Type: 'container', Action: 'start', Actor: { ID: 'x', Attributes: {} }, scope: 'local', time: 1 }

/** Says that it has begun, and then nothing any more. */
async function* onceBegun(_options: unknown, signal: AbortSignal) {
  yield BEGUN as never
  await once(signal, 'abort')
}

beforeEach(async () => {
  scope = new Scope()
  const authority = await makeAuthority()
  node = await makeMember('n1', 'node', { authority })
  manager = await makeMember('m1', 'manager', { authority })
  other = await makeMember('m2', 'manager', { authority })
  const engine = stubEngine({
    version: async () => ({ Version: '1.0' }) as never,
    events: onceBegun,
    containers: { attach: async () => ({ stream: new PassThrough(), tty: true }) },
  })
  const server = await createDockerServer({ engine, log: silentLog })
  scope.defer(() => server.close())
  const [host = ''] = await server.listen({
    hosts: ['tcp://127.0.0.1:0'],
    tls: node.serve(guardOf('node', node).refuse),
  })
  port = Number(host.replace(/.*:/, ''))
})
afterEach(() => scope[Symbol.asyncDispose]())

function revoke(server: LiveIdentity, owner: LiveIdentity | undefined): void {
  server.setRevoked(new Set([readCertificate(owner?.credentials.certificate ?? '').fingerprint]))
}

/** Asks on a connection of its own that is kept, and resolves when the answer has begun. */
async function begin(who: LiveIdentity | undefined, path: string, headers: Record<string, string> = {}) {
  const { certificate: cert, key } = who?.credentials ?? {}
  const agent = new Agent({ keepAlive: true })
  scope.defer(() => agent.destroy())
  const options = { host: '127.0.0.1', port, path, headers, cert, key, rejectUnauthorized: false, agent }
  const asked = request({ ...options, method: headers['upgrade'] === undefined ? 'GET' : 'POST' })
  asked.on('error', () => {})
  asked.end()
  const begun = headers['upgrade'] === undefined ? 'response' : 'upgrade'
  const [answer] = (await once(asked, begun)) as [IncomingMessage]
  const { socket } = answer
  scope.defer(() => void socket.destroy())
  return { answer, socket, closed: once(socket, 'close') }
}

const UPGRADE = { connection: 'Upgrade', upgrade: 'tcp' }

it('ends what is open with a certificate when it is taken back, and nothing else', async () => {
  const events = await begin(manager, '/events')
  const attached = await begin(manager, '/containers/x/attach?stream=1&stdout=1', UPGRADE)
  const ping = await begin(manager, '/_ping')
  expect(await text(ping.answer)).toBe('OK')
  const others = await begin(other, '/events')
  expect(ping.socket.destroyed).toBe(false)
  revoke(node, manager)
  await Promise.all([events.closed, attached.closed, ping.closed])
  expect(others.socket.destroyed).toBe(false)
})

it('ends what is open to a member whose certificate is taken back, and resumes nothing', async () => {
  const client = createDockerClient(`tcp://127.0.0.1:${port}`, {
    clock: systemClock,
    tls: manager?.dial({ role: 'node', name: 'n1' }),
  })
  scope.defer(() => client.close())
  expect(await client.version()).toMatchObject({ Version: '1.0' })
  const following = new AbortController()
  scope.defer(() => following.abort())
  const events = client.events({}, following.signal)[Symbol.asyncIterator]()
  expect(await events.next()).toMatchObject({ value: BEGUN })
  if (manager !== undefined) revoke(manager, node)
  await expect(events.next()).rejects.toThrow()
  // Whether its session is known or not.
  for (let count = 0; count < 3; count++) await expect(client.version()).rejects.toThrow()
})
