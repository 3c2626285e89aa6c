import { Duplex } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { notFound } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import { type Engine, encodeFrame } from '../../src/docker-api/index.ts'
import { createDockerServer } from '../../src/docker-api/server/index.ts'
import { stubEngine } from '../support/stub-engine.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function serve(containers: Partial<Engine['containers']>): Promise<string> {
  const server = await createDockerServer({ engine: stubEngine({ containers }), log: silentLog })
  closing.push(() => server.close())
  const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'] })
  return host.replace('tcp:', '')
}

/** Answers what it is told in capitals, and ends when told so. */
function capitals(tty: boolean): Duplex {
  return new Duplex({
    read() {},
    write(data: Buffer, _encoding, done) {
      const answer = Buffer.from(data.toString().toUpperCase())
      this.push(tty ? answer : encodeFrame(data.length % 2 === 0 ? 'stdout' : 'stderr', answer))
      if (data.toString() === 'bye') this.push(null)
      done()
    },
  })
}

/** Says things one after the other, each when the one before was answered; resolves with the answers. */
function talk(url: string, things: readonly string[]): Promise<readonly unknown[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly unknown[]>()
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  const heard: unknown[] = []
  const say = () => things[heard.length] !== undefined && socket.send(things[heard.length] ?? '')
  socket.addEventListener('open', say)
  socket.addEventListener('message', ({ data }) => {
    heard.push(typeof data === 'string' ? data : `binary ${Buffer.from(data as ArrayBuffer).toString()}`)
    say()
  })
  socket.addEventListener('close', () => resolve(heard))
  socket.addEventListener('error', () => reject(new Error('the connection broke')))
  return promise
}

const QUERY = 'stream=1&stdin=1&stdout=1&stderr=1&detachKeys=a'

describe('GET /containers/{id}/attach/ws', () => {
  it.each([
    ['v1.47', false, ['binary HELLO', 'binary BYE']],
    ['v1.47', true, ['binary HELLO', 'binary BYE']],
    ['v1.27', false, ['HELLO', 'BYE']],
  ])('carries both directions without frames (%s, tty: %s)', async (version, tty, answers) => {
    const asked: unknown[] = []
    const host = await serve({
      attach: async (...args) => {
        asked.push(args)
        return { stream: capitals(tty), tty }
      },
    })
    expect(await talk(`ws:${host}/${version}/containers/a%2Fb/attach/ws?${QUERY}`, ['hello', 'bye'])).toEqual(answers)
    expect(asked).toEqual([
      ['a/b', { stdin: true, stdout: true, stderr: true, logs: false, stream: true, detachKeys: 'a' }],
    ])
  })

  it('ends the conversation when the client leaves', async () => {
    const stream = capitals(true)
    const gone = new Promise(resolve => stream.once('close', resolve))
    const host = await serve({ attach: async () => ({ stream, tty: true }) })
    const socket = new WebSocket(`ws:${host}/containers/x/attach/ws?${QUERY}`)
    socket.addEventListener('open', () => socket.close())
    await gone
  })

  it('refuses before it upgrades, and who does not speak the protocol', async () => {
    const missing = async (id: string) => {
      throw notFound('NO_SUCH_CONTAINER', `No such container: ${id}`)
    }
    const host = await serve({ attach: missing, inspect: missing })
    await expect(talk(`ws:${host}/containers/x/attach/ws?${QUERY}`, [])).rejects.toThrow('the connection broke')
    expect((await fetch(`http:${host}/containers/x/attach/ws`)).status).toBe(404)
    const there = await serve({ inspect: async () => ({}) as never })
    expect((await fetch(`http:${there}/containers/x/attach/ws`)).status).toBe(400)
  })
})
