import { request } from 'node:https'
import { Readable } from 'node:stream'
import { json, text } from 'node:stream/consumers'
import type { FastifyInstance } from 'fastify'
import { beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/log.ts'
import type { MemberRecord } from '../../../src/core/model/node.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { createDockerClient } from '../../../src/docker-api/index.ts'
import { createDockerServer } from '../../../src/docker-api/server/index.ts'
import { dockerRoutes } from '../../../src/manager/docker/docker-routes.ts'
import { v1Routes } from '../../../src/manager/http/v1-routes.ts'
import { whyRoutes } from '../../../src/manager/http/why-routes.ts'
import { trustRoutes } from '../../../src/manager/trust/trust-routes.ts'
import { createPeerImages } from '../../../src/node-agent/index.ts'
import { type LiveIdentity, readCertificate } from '../../../src/trust/index.ts'
import { lab, startFront } from '../../manager/docker/front-lab.ts'
import { keys } from '../../manager/support.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { guardOf, makeAuthority, makeMember, maker } from './lab.ts'

interface Route {
  readonly method: string
  readonly path: string
}

const STRANGERS = [
  'nothing',
  'a certificate of another authority',
  'one that expired',
  'one that was revoked',
  'one of another cluster',
] as const

/** What they show. */
let strangers: Readonly<Record<(typeof STRANGERS)[number], LiveIdentity | undefined>>
let manager: LiveIdentity
let node: LiveIdentity
let person: LiveIdentity
let otherNode: LiveIdentity

beforeAll(async () => {
  const authority = await makeAuthority()
  const foreign = await makeAuthority()
  manager = await makeMember('m1', 'manager', { authority })
  node = await makeMember('n1', 'node', { authority })
  otherNode = await makeMember('n2', 'node', { authority })
  person = await makeMember('ann', 'client', { authority })
  const revoked = await makeMember('m3', 'manager', { authority })
  const gone = new Set([readCertificate(revoked.credentials.certificate).fingerprint])
  for (const server of [manager, node]) server.setRevoked(gone)
  const trusts = authority.certificate
  strangers = {
    nothing: undefined,
    'a certificate of another authority': await makeMember('m2', 'manager', { authority: foreign, trusts }),
    'one that expired': await makeMember('m2', 'manager', { authority, isExpired: true }),
    'one that was revoked': revoked,
    'one of another cluster': await makeMember('m2', 'manager', { authority, clusterId: 'c2' }),
  }
})

/** Asks on a connection of its own, over which nothing was said before. */
async function ask(port: number, { method, path }: Route, who: LiveIdentity | undefined, more: object = {}) {
  const { certificate: cert, key } = who?.credentials ?? {}
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; code: unknown }>()
  const options = { host: '127.0.0.1', port, method, path, rejectUnauthorized: false, agent: false, ...more }
  request({ ...options, ...(who === undefined ? {} : { cert, key }) }, answer => {
    const told = json(answer).catch(() => undefined) as Promise<{ code?: unknown } | undefined>
    void told.then(body => resolve({ status: answer.statusCode ?? 0, code: body?.code }))
  })
    .on('error', reject)
    .end()
  return promise
}

/** What clients take connections over for. */
const HIJACKED = /attach|exec|session|grpc|events/
const UPGRADE = { connection: 'Upgrade', upgrade: 'tcp' }

/** Routes that answer otherwise than that the asker is not admitted; HEAD has no body that says so. */
async function answering(port: number, routes: readonly Route[], who: LiveIdentity | undefined): Promise<string[]> {
  const open: string[] = []
  for (const route of routes) {
    const path = route.path.replace(/:\w+|\*/g, 'x')
    for (const headers of HIJACKED.test(path) ? [{}, UPGRADE] : [{}]) {
      const { status } = await ask(port, { method: route.method, path }, who, { headers })
      if (status !== 401 && status !== 403) open.push(`${route.method} ${path}`)
    }
  }
  return open.sort()
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']
/** The only wildcard at the root, which the router prints without what stands before it. */
const UNDER_IMAGES = ['/images/x', '/images/x/get', '/images/x/json', '/images/x/history', '/images/x/push']

/** The tree that the router prints, as paths. */
function routesIn(app: FastifyInstance): Route[] {
  const above: string[] = []
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap(line => {
      const [, indent = '', part = '', methods = ''] = /^((?:│ {3}| {4})*)[├└]── (\S*)(?: \((.*)\))?$/.exec(line) ?? []
      const depth = indent.length / 4
      above.splice(depth, above.length, part)
      const path = above.join('')
      const asked = methods.split(', ').filter(method => METHODS.includes(method))
      return asked.flatMap(method => (path === '*' ? UNDER_IMAGES : [path]).map(each => ({ method, path: each })))
    })
}

describe('an agent', () => {
  async function startAgent(engine = stubEngine({})): Promise<{ port: number; routes: readonly Route[] }> {
    let routes: readonly Route[] = []
    const extend = (app: FastifyInstance): void => void app.after(() => void (routes = routesIn(app)))
    const server = await createDockerServer({ engine, log: silentLog, extend })
    lab.scope.defer(() => server.close())
    const tls = node.serve(guardOf('node', node).refuse)
    const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'], tls })
    return { port: Number(host.replace(/.*:/, '')), routes }
  }

  it.each(STRANGERS)('answers nothing but /_ping to who shows %s', async what => {
    const { port, routes } = await startAgent()
    expect(routes.length).toBeGreaterThan(80)
    expect(await answering(port, routes, strangers[what])).toEqual(['GET /_ping', 'HEAD /_ping'])
  })

  it('answers nothing but /_ping to people', async () => {
    const { port, routes } = await startAgent()
    expect(await answering(port, routes, person)).toEqual(['GET /_ping', 'HEAD /_ping'])
  })

  it('lets another node do no more than copy images', async () => {
    const { port, routes } = await startAgent()
    const copying = ['GET /_ping', 'GET /images/get', 'GET /images/x/json', 'HEAD /_ping']
    expect(await answering(port, routes, otherNode)).toEqual(copying)
  })

  it('has another node copy an image, as nodes ask for it', async () => {
    const save = async ([image = '']: readonly string[]): Promise<Readable> => Readable.from([`saved ${image}`])
    const { port } = await startAgent(stubEngine({ images: { inspect: async () => ({ Id: 'i' }) as never, save } }))
    const peer = createDockerClient(`tcp://127.0.0.1:${port}`, {
      clock: systemClock,
      tls: otherNode.dial({ role: 'node' }),
    })
    lab.scope.defer(() => peer.close())
    const loaded: string[] = []
    const load = async (archive: Readable): Promise<readonly string[]> => {
      loaded.push(await text(archive))
      return loaded
    }
    const peers = createPeerImages({
      engine: stubEngine({ images: { load } }),
      members: () => [{ name: 'n1' } as MemberRecord],
      connect: () => peer,
      clock: systemClock,
      log: silentLog,
    })
    expect(await peers.fetch('shop/web:1', new AbortController().signal)).toBe(true)
    expect(loaded).toEqual(['saved shop/web:1'])
  })

  it('lets nobody attach who may not', async () => {
    const { port } = await startAgent()
    const route = { method: 'POST', path: '/v1.41/containers/x/attach' }
    for (const who of [undefined, person, otherNode]) {
      expect(await ask(port, route, who, { headers: UPGRADE })).toMatchObject({ code: 'NOT_ADMITTED' })
    }
  })
})

describe('a manager', () => {
  // Only their methods and paths are looked at.
  const nodes = { inventory: { onChange() {} } }
  const nothing = { manager: {}, nodes, creating: { nodes } } as never
  const routes: readonly Route[] = [
    ...v1Routes(nothing, [...whyRoutes(nothing), ...trustRoutes(nothing)], '1'),
    ...dockerRoutes(nothing),
  ]

  function start(): Promise<number> {
    const { refuse, peerOf } = guardOf('manager', manager)
    const trust = {
      store: lab.store,
      keys,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      maker,
      cluster: 'c',
      storeEndpoints: () => [],
      managers: () => [],
      peerOf,
    }
    return startFront({ tls: manager.serve(refuse), trust })
  }

  it.each(STRANGERS)('answers nothing but /_ping to who shows %s, and whoever has a token', async what => {
    expect(routes.length).toBeGreaterThan(60)
    const open = await answering(await start(), routes, strangers[what])
    expect(open).toEqual(['GET /_ping', 'HEAD /_ping', 'POST /v1/join'])
  })

  it('lets a node do no more than look after its own certificate', async () => {
    const own = ['GET /_ping', 'HEAD /_ping', 'POST /v1/confirm', 'POST /v1/join', 'POST /v1/leave', 'POST /v1/renew']
    expect(await answering(await start(), routes, node)).toEqual(own)
  })

  it('answers people and managers', async () => {
    const port = await start()
    for (const who of [person, manager]) {
      expect(await ask(port, { method: 'GET', path: '/v1.41/info' }, who)).toMatchObject({ status: 200 })
    }
  })

  it.each([
    '/_ping/../info',
    '//_ping',
    '/_ping%2f..%2finfo',
    '/v1.41/v1.41/_ping',
    '/info#/_ping',
    '/info?/_ping',
    '/_ping;/info',
  ])('is not led to answer by %s', async path => {
    expect(await ask(await start(), { method: 'GET', path }, undefined)).toMatchObject({ code: 'NOT_ADMITTED' })
  })
})
