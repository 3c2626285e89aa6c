import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { ShoalError } from '../../../src/core/errors.ts'
import { Scope } from '../../../src/core/scope.ts'
import { Connections } from '../../../src/manager/http/connections.ts'
import { forward } from '../../../src/manager/http/proxy.ts'

/** What a node does with the requests of one connection, told the number of the connection and of the request on it. */
type Node = (socket: Socket, request: string, at: { readonly connection: number; readonly request: number }) => void

let scope = new Scope()
beforeEach(() => {
  scope = new Scope()
})
afterEach(() => scope[Symbol.asyncDispose]())

async function listen(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  scope.defer(() => void server.close())
  return (server.address() as AddressInfo).port
}

const answerOf = (text: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`

/** A node that speaks HTTP by hand, and a server before it that hands everything on. */
async function stand(
  node: Node,
): Promise<{ ask: (path: string, init?: RequestInit) => Promise<string>; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const nodePort = await listen(
    createServer(socket => {
      const connection = sockets.push(socket)
      let request = 0
      socket.on('error', () => {})
      socket.on('data', bytes => node(socket, bytes.toString(), { connection, request: ++request }))
    }),
  )
  const connections = new Connections(systemClock)
  scope.defer(() => {
    connections.close()
    for (const socket of sockets) socket.destroy()
  })
  const front = createHttpServer((incoming, response) => {
    const upstream = { what: 'node n1', address: `127.0.0.1:${nodePort}`, path: incoming.url ?? '/' }
    forward(incoming, response, upstream, connections).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else response.writeHead(error instanceof ShoalError ? error.status : 500).end((error as ShoalError).code)
    })
  })
  const frontPort = await listen(front)
  scope.defer(() => front.closeAllConnections())
  const ask = async (path: string, init: RequestInit = {}): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${frontPort}${path}`, init)
    return `${response.status} ${await response.text()}`
  }
  return { ask, sockets }
}

async function closed(socket: Socket | undefined): Promise<void> {
  if (socket !== undefined && !socket.destroyed) await new Promise(done => void socket.once('close', done))
}

const pathOf = (request: string): string => request.split(' ')[1] ?? ''
const post = { method: 'POST' }

describe('requests that are handed on', () => {
  it('use one connection again and again, with bodies and without', async () => {
    const { ask, sockets } = await stand((socket, request) => void socket.write(answerOf(pathOf(request))))
    const answers = [
      await ask('/a'),
      await ask('/b', post),
      await ask('/c', { ...post, body: 'text' }),
      await ask('/d'),
    ]
    expect(answers).toEqual(['200 /a', '200 /b', '200 /c', '200 /d'])
    expect(sockets).toHaveLength(1)
  })

  it('are asked again if the connection was closed meanwhile, but only what changes nothing', async () => {
    const { ask, sockets } = await stand((socket, request, at) => {
      if (at.request === 1) socket.write(answerOf(pathOf(request)))
      else socket.resetAndDestroy()
    })
    expect([await ask('/a'), await ask('/b')]).toEqual(['200 /a', '200 /b'])
    expect(sockets).toHaveLength(2)
    expect([await ask('/c'), await ask('/d', post)]).toEqual(['200 /c', '503 UNREACHABLE'])
    expect(sockets).toHaveLength(3)
  })

  it('are not asked again over a connection that never was of use', async () => {
    const { ask, sockets } = await stand(socket => void socket.resetAndDestroy())
    expect(await ask('/a')).toBe('503 UNREACHABLE')
    expect(sockets).toHaveLength(1)
  })

  it.each([
    ['is cut', (text: string) => answerOf(`${text} and more`).slice(0, -9), true],
    ['goes on behind its end', (text: string) => `${answerOf(text)}${answerOf('of another')}`, false],
    ['is followed by noise', (text: string) => `${answerOf(text)}noise`, false],
    ['is no HTTP', () => 'noise\r\n\r\n', false],
  ])('get their own answer after one that %s', async (_what, lie, isCut) => {
    const { ask, sockets } = await stand((socket, request, { connection }) => {
      if (connection > 1) return void socket.write(answerOf(pathOf(request)))
      socket.write(lie(pathOf(request)))
      if (isCut) socket.end()
    })
    await ask('/a').catch(() => {})
    expect([await ask('/b'), await ask('/c')]).toEqual(['200 /b', '200 /c'])
    expect(sockets).toHaveLength(2)
  })

  it('get their own answer though a node says something unasked between two', async () => {
    const { ask, sockets } = await stand((socket, request) => void socket.write(answerOf(pathOf(request))))
    expect(await ask('/a')).toBe('200 /a')
    const [first] = sockets
    first?.write(answerOf('of another'))
    await closed(first)
    expect(await ask('/b')).toBe('200 /b')
    expect(sockets).toHaveLength(2)
  })

  it('take their connection with them when the client goes', async () => {
    const { ask, sockets } = await stand((socket, request) => {
      socket.write(
        pathOf(request) === '/b' ? answerOf('/b') : 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n',
      )
    })
    const leave = new AbortController()
    const asked = ask('/a', { signal: leave.signal })
    asked.catch(() => {})
    while (sockets.length === 0) await new Promise(setImmediate)
    const [first] = sockets
    leave.abort()
    await closed(first)
    expect(await ask('/b')).toBe('200 /b')
    expect(sockets).toHaveLength(2)
  })
})
