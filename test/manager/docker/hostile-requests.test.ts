import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { beforeEach, describe, expect, it } from 'vitest'
import { notFound } from '../../../src/core/errors.ts'
import type { ContainerCreateRequest } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, lab, send, startFront } from './front-lab.ts'

const asked: string[] = []
const created: ContainerCreateRequest[] = []
beforeEach(() => {
  asked.splice(0)
  created.splice(0)
})

async function cluster(): Promise<number> {
  const refuse = async (name: string): Promise<never> => {
    asked.push(name)
    throw notFound('NONE', `No such thing: ${name}`)
  }
  const engine = stubEngine({
    version: async () => ({ ApiVersion: '1.41' }) as never,
    containers: {
      inspect: refuse,
      create: async request => {
        created.push(request)
        return { Id: 'c'.repeat(64), Warnings: [] }
      },
    },
    images: { inspect: refuse },
    networks: { list: async () => [], inspect: refuse },
    volumes: { inspect: refuse },
  })
  await addNode('n1', engine)
  return startFront()
}

/** Writes bytes as they are; resolves with all that is answered. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  lab.scope.defer(() => void socket.destroy())
  socket.on('error', () => {})
  socket.write(bytes)
  return text(socket)
}

const head = (line: string, ...headers: string[]): string =>
  [line, 'Host: m', 'Connection: close', ...headers, '', ''].join('\r\n')

describe('a request that means harm', () => {
  it.each([
    ['two lengths', ['Content-Length: 2', 'Content-Length: 30']],
    ['a length and chunks', ['Content-Length: 4', 'Transfer-Encoding: chunked']],
    ['a length beyond all numbers', ['Content-Length: 99999999999999999999999']],
    ['a length that is none', ['Content-Length: -1']],
    ['an encoding that hides chunks', ['Transfer-Encoding: xchunked']],
  ])('is refused for %s, and nothing behind it is taken for a request', async (_what, headers) => {
    const port = await cluster()
    const smuggled = '0\r\n\r\nPOST /containers/create HTTP/1.1\r\nHost: m\r\nContent-Length: 13\r\n\r\n{"Image":"x"}'
    const type = 'Content-Type: application/json'
    const answer = await raw(port, `${head('POST /containers/create HTTP/1.1', type, ...headers)}${smuggled}`)
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(created).toEqual([])
  })

  it.each([
    ['GET', '/containers/%2e%2e/%2e%2e/info'],
    ['POST', '/containers/..%2f..%2fcontainers%2fprune/start'],
    ['GET', '/images/%2e%2e%2fcontainers/json'],
    ['GET', '/images/..%2f..%2finfo/history'],
    ['GET', '/networks/%2e%2e'],
    ['GET', '/volumes/%2e%2e%2f%2e%2e'],
    ['DELETE', '/volumes/%2e%2e'],
    ['POST', '/commit?container=../..'],
    ['POST', '/exec/..%2f..%2fcontainers/start'],
  ])('reaches nothing but what it names: %s %s', async (method, path) => {
    const port = await cluster()
    const answer = await raw(port, head(`${method} ${path} HTTP/1.1`, 'Content-Length: 0'))
    expect(answer).toMatch(/^HTTP\/1\.1 (400|404) [^]*"message"/)
    // Asked by name, as a name: never as a path.
    for (const name of asked) expect(decodeURIComponent(path)).toContain(name)
  })

  it('is refused with JSON for an escape that is none', async () => {
    const answer = await raw(await cluster(), head('GET /containers/%zz/json HTTP/1.1'))
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*content-type: application\/json[^]*"message"/i)
  })

  it('is refused when its body is larger than any, or no JSON, or reaches for what all objects have', async () => {
    const port = await cluster()
    const create = async (body: string) => {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`http://127.0.0.1:${port}/containers/create`, { method: 'POST', body, headers })
      return [response.status, response.headers.get('content-type')]
    }
    const json = 'application/json'
    expect(await create(`{"Image":"${'x'.repeat(9 * 1024 * 1024)}"}`)).toEqual([413, json])
    for (const body of ['{', '[1', '"x', '{"__proto__":{"Image":"x"}}', '{"constructor":{"prototype":{"a":1}}}']) {
      expect(await create(body)).toEqual([400, json])
    }
    expect(created).toEqual([])
  })

  it('is refused when it is nested deeper than anything, and the next one is answered', async () => {
    const port = await cluster()
    const deep = `{"Image":"x","Labels":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`
    const headers = { 'content-type': 'application/json' }
    for (const path of ['/containers/create', '/networks/create', '/volumes/create']) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: deep, headers })
      expect([400, 500]).toContain(response.status)
      expect(await response.json()).toHaveProperty('message')
    }
    expect((await send(port, 'POST', '/containers/create', { Image: 'x' })).status).toBe(201)
  })

  it('has of two keys of one name the last one, for the manager and for the node', async () => {
    const port = await cluster()
    const body = '{"Image":"a","Image":"b","Env":["constraint:node==n9"],"Env":["A=1"]}'
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`http://127.0.0.1:${port}/containers/create`, { method: 'POST', body, headers })
    expect(response.status).toBe(201)
    expect(created).toMatchObject([{ Image: 'b', Env: ['A=1'] }])
  })

  it.each(['null', '7', '[1]', '{"label":null}', '{"label":{"a":{"b":1}}', '{'])(
    'is answered when its filters are %s',
    async filters => {
      const port = await cluster()
      for (const path of ['/networks', '/volumes', '/images/json', '/containers/json']) {
        const { status } = await send(port, 'GET', `${path}?filters=${encodeURIComponent(filters)}`)
        expect([200, 400]).toContain(status)
      }
    },
  )

  it('holds nobody up that never ends', async () => {
    const port = await cluster()
    for (let index = 0; index < 50; index++) {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      lab.scope.defer(() => void socket.destroy())
      const started = index % 2 === 0 ? 'GET /containers/json HTTP/1.1\r\nHost' : 'POST /containers/create HTTP/1.1\r\n'
      socket.write(
        index % 2 === 0
          ? started
          : `${started}Host: m\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{`,
      )
    }
    expect((await send(port, 'POST', '/containers/create', { Image: 'x' })).status).toBe(201)
    expect((await send(port, 'GET', '/containers/json')).status).toBe(200)
  })
})
