import { createServer as createHttpServer } from 'node:http'
import { type Duplex, PassThrough, Readable, Transform } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { conflict, invalidInput, notFound } from '../../src/core/errors.ts'
import { createDockerClient, type Engine, encodeFrame, type LogChunk } from '../../src/docker-api/index.ts'
import { closing, serve } from './served-engine.ts'

const tty = (Tty: boolean) =>
  ({ inspect: async () => ({ Config: { Tty } }) }) as unknown as Partial<Engine['containers']>
const signal = new AbortController().signal

describe('createDockerServer()', () => {
  it('tells clients what they talk to, to HEAD and GET, with and without a version', async () => {
    const { call } = await serve()
    for (const path of ['/_ping', '/v1.24/_ping', '/v1.47/_ping']) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await call(path, { method })
        expect(answer.status).toBe(200)
        expect(Object.fromEntries(answer.headers)).toMatchObject({
          'api-version': '1.47',
          'builder-version': '1',
          'docker-experimental': 'false',
          ostype: 'linux',
          swarm: 'inactive',
          'content-length': method === 'GET' ? '2' : '0',
        })
        expect(await answer.text()).toBe(method === 'GET' ? 'OK' : '')
      }
    }
  })

  it.each([
    ['/v1.99/info', 400, 'client version 1.99 is too new. Maximum supported API version is 1.47'],
    ['/v1.11/info', 400, 'client version 1.11 is too old'],
    ['/nonsense', 404, 'page not found'],
    ['/v1.41/containers/x/nonsense', 404, 'page not found'],
    ['/images/a/b/nonsense', 404, 'page not found'],
    ['/containers/json?filters=[', 400, 'Bad parameter filters'],
    ['/containers/json?limit=many', 400, 'Bad parameter limit'],
    ['/events?since=yesterday', 400, 'Bad parameter since'],
    ['/containers/x/logs', 400, 'you must choose at least one stream'],
    ['/info', 501, "The test's engine has no info"],
  ])('answers GET %s with %i', async (path, status, message) => {
    const { call } = await serve()
    const answer = await call(path)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect([answer.status, ((await answer.json()) as { message: string }).message]).toEqual([
      status,
      expect.stringContaining(message),
    ])
  })

  it.each([
    ['{', 'invalid JSON'],
    ['[]', 'expected a JSON object'],
    ['{"Env":"A=b"}', 'invalid value for Env: expected a list of strings'],
    ['{"HostConfig":{"Memory":"1g"}}', 'invalid value for HostConfig.Memory: expected a whole number'],
    ['{"HostConfig":3}', 'invalid value for HostConfig'],
  ])('refuses the body %s', async (body, message) => {
    const { post } = await serve()
    const answer = await post('/containers/create', body)
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ message: expect.stringContaining(message) }),
    ])
  })

  it('refuses a body that is too large, and still answers afterwards', async () => {
    const { post, call } = await serve()
    const answer = await post('/containers/create', `{"Image":"${'x'.repeat(5 << 20)}"}`).catch(() => undefined)
    if (answer !== undefined) expect(answer.status).toBe(413)
    expect((await call('/_ping')).status).toBe(200)
  })

  it('creates with a command written as one word, nulls and unknown fields', async () => {
    const seen: unknown[] = []
    const { post } = await serve({
      containers: {
        create: async (...args) => {
          seen.push(args)
          return { Id: 'abc', Warnings: [] }
        },
      },
    })
    const answer = await post('/v1.44/containers/create?name=web', { Image: 'a', Cmd: 'ls', Env: null, New: 1 })
    expect([answer.status, await answer.json()]).toEqual([201, { Id: 'abc', Warnings: [] }])
    expect(seen).toEqual([[{ Image: 'a', Cmd: ['ls'], New: 1 }, { name: 'web' }]])
    expect((await post('/containers/create?name=a%20b', {})).status).toBe(400)
    await post('/containers/create?platform=linux/arm64', {})
    // Docker before 1.41 knows no platform here.
    await post('/v1.40/containers/create?platform=linux/arm64', {})
    expect(seen.slice(1)).toEqual([
      [{}, { platform: 'linux/arm64' }],
      [{}, {}],
    ])
  })

  it('keeps status, message and code on their way through the client', async () => {
    const { client } = await serve({
      containers: {
        inspect: async id => {
          throw notFound('NO_SUCH_CONTAINER', `No such container: ${id}`)
        },
        start: async () => false,
        stop: async () => true,
        remove: async () => {
          throw conflict('CONTAINER_RUNS', 'You cannot remove a running container', { cause: new Error('it runs') })
        },
      },
    })
    await expect(client.containers.inspect('a/b')).rejects.toMatchObject({
      status: 404,
      code: 'NO_SUCH_CONTAINER',
      message: 'No such container: a/b',
    })
    await expect(client.containers.remove('x', {})).rejects.toMatchObject({
      status: 409,
      message: 'You cannot remove a running container: it runs',
    })
    expect(await client.containers.start('x')).toBe(false)
    expect(await client.containers.stop('x', {})).toBe(true)
  })

  it('sends the head of /wait before the container ends', async () => {
    const ended = Promise.withResolvers<{ StatusCode: number }>()
    const { post } = await serve({ containers: { ...tty(false), wait: () => ended.promise } })
    const answer = await post('/containers/x/wait?condition=next-exit')
    expect(answer.status).toBe(200)
    ended.resolve({ StatusCode: 3 })
    expect(await answer.json()).toEqual({ StatusCode: 3 })
    expect((await post('/containers/x/wait?condition=never')).status).toBe(400)
  })

  it('is asked again on a new connection when a kept one was closed meanwhile', async () => {
    let closings = 0
    const server = createHttpServer((request, response) => {
      response.end('{}')
      request.socket.once('data', () => {
        closings++
        request.socket.resetAndDestroy()
      })
    }).listen(0, '127.0.0.1')
    closing.push(() => {
      server.close()
      server.closeAllConnections()
    })
    await new Promise(resolve => server.once('listening', resolve))
    const client = createDockerClient(`127.0.0.1:${(server.address() as { port: number }).port}`, {
      clock: systemClock,
    })
    closing.push(() => client.close())
    await client.info()
    await client.info()
    expect(closings).toBe(1)
  })

  it('tells the engine when a client stops waiting', async () => {
    const asked = Promise.withResolvers<void>()
    const aborted = Promise.withResolvers<void>()
    const { client } = await serve({
      containers: {
        ...tty(false),
        wait: (_id, _options, signal) => {
          asked.resolve()
          signal.addEventListener('abort', () => aborted.resolve())
          return new Promise(() => {})
        },
      },
    })
    const stop = new AbortController()
    const waiting = client.containers.wait('x', { condition: 'not-running' }, stop.signal).catch(() => 'stopped')
    await asked.promise
    stop.abort()
    expect(await waiting).toBe('stopped')
    await aborted.promise
  })
})

const CHUNKS: LogChunk[] = [
  { stream: 'stdout', time: '2026-01-02T03:04:05.000000001Z', data: Buffer.from('out\n') },
  { stream: 'stderr', time: '2026-01-02T03:04:06.000000002Z', data: Buffer.from('err\n') },
]

describe('logs', () => {
  const logs = async function* (_id: string, _options: unknown, signal: AbortSignal) {
    yield* CHUNKS
    if (!signal.aborted) return
  }

  it.each([
    [
      false,
      'stdout=1&stderr=1',
      Buffer.concat([encodeFrame('stdout', Buffer.from('out\n')), encodeFrame('stderr', Buffer.from('err\n'))]),
    ],
    [true, 'stdout=1', Buffer.from('out\nerr\n')],
    [true, 'stdout=1&timestamps=1', Buffer.from(CHUNKS.map(({ time, data }) => `${time} ${data.toString()}`).join(''))],
  ])('are framed unless there is a tty (%s), %s', async (isTty, query, expected) => {
    const { call } = await serve({ containers: { ...tty(isTty), logs } })
    const answer = await call(`/containers/x/logs?${query}`)
    expect(answer.headers.get('content-type')).toBe(`application/vnd.docker.${isTty ? 'raw' : 'multiplexed'}-stream`)
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(expected)
  })

  it.each([false, true])('arrive at the client as they left the engine (tty: %s)', async isTty => {
    const { client } = await serve({ containers: { ...tty(isTty), logs } })
    const options = { stdout: true, stderr: true, follow: false }
    const seen = await Array.fromAsync(client.containers.logs('x', options, signal))
    expect(seen.map(({ time, data }) => [time, data.toString()])).toEqual(
      CHUNKS.map(({ time, data }) => [time, data.toString()]),
    )
  })

  it('end in the engine when the reader leaves', async () => {
    const left = Promise.withResolvers<void>()
    const endless = async function* (_id: string, _options: unknown, signal: AbortSignal): AsyncGenerator<LogChunk> {
      signal.addEventListener('abort', () => left.resolve())
      for (const chunk of CHUNKS) yield chunk
      await left.promise
    }
    const { client } = await serve({ containers: { ...tty(false), logs: endless } })
    const stop = new AbortController()
    const options = { stdout: true, stderr: true, follow: true }
    const reader = client.containers.logs('x', options, stop.signal)[Symbol.asyncIterator]()
    await reader.next()
    stop.abort()
    await left.promise
  })
})

describe('conversations', () => {
  /** Upper-cases its input and says goodbye at its end. */
  function process(): Duplex {
    return new Transform({
      transform: (data: Buffer, _encoding, done) =>
        done(null, encodeFrame('stdout', Buffer.from(data.toString().toUpperCase()))),
      flush: done => done(null, encodeFrame('stderr', Buffer.from('bye'))),
    })
  }
  const exec = {
    start: async (_id: string, options: { detach: boolean; tty: boolean }) =>
      options.detach ? undefined : { stream: process(), tty: options.tty },
  }

  it('take over the connection, and outlive the end of stdin', async () => {
    const { client } = await serve({ exec })
    const attached = await client.exec.start('x', { detach: false, tty: false })
    attached?.stream.end('hello')
    expect(await buffer(attached?.stream ?? Readable.from([]))).toEqual(
      Buffer.concat([encodeFrame('stdout', Buffer.from('HELLO')), encodeFrame('stderr', Buffer.from('bye'))]),
    )
  })

  it('work for clients that do not ask for an upgrade', async () => {
    const { post } = await serve({ containers: { attach: async () => ({ stream: process(), tty: false }) } })
    const answer = await post('/containers/x/attach?stream=1&stdin=1&stdout=1', 'plain')
    expect(answer.status).toBe(200)
    expect(Buffer.from(await answer.arrayBuffer()).toString()).toContain('PLAIN')
  })

  it('only start a process that is to be left alone', async () => {
    const { client } = await serve({ exec })
    expect(await client.exec.start('x', { detach: true, tty: false })).toBeUndefined()
  })

  it('are refused with a status', async () => {
    const { client } = await serve({
      exec: {
        start: async () => {
          throw notFound('NO_SUCH_EXEC', 'No such exec instance: x')
        },
      },
    })
    await expect(client.exec.start('x', { detach: false, tty: true })).rejects.toMatchObject({
      status: 404,
      code: 'NO_SUCH_EXEC',
    })
  })

  it('tell of a command that cannot run on the upgraded connection, as stock clients expect', async () => {
    const start = async (): Promise<never> => {
      throw invalidInput('COMMAND_NOT_FOUND', 'not found in $PATH', { details: { exitCode: 127 } })
    }
    const { client } = await serve({ exec: { start } })
    const raw = await client.exec.start('x', { detach: false, tty: true })
    expect(await text(raw?.stream ?? Readable.from([]))).toBe('not found in $PATH\r\n')
    const framed = await client.exec.start('x', { detach: false, tty: false })
    expect(await buffer(framed?.stream ?? Readable.from([]))).toEqual(
      encodeFrame('stdout', Buffer.from('not found in $PATH\r\n')),
    )
    await expect(client.exec.start('x', { detach: true, tty: false })).rejects.toMatchObject({ status: 400 })
  })

  it('end for the process when the client is gone', async () => {
    const closed = Promise.withResolvers<void>()
    const stream = new PassThrough().on('close', () => closed.resolve())
    const { client } = await serve({ exec: { start: async () => ({ stream, tty: true }) } })
    const attached = await client.exec.start('x', { detach: false, tty: true })
    attached?.stream.destroy()
    await closed.promise
  })
})
