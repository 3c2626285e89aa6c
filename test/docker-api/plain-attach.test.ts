import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { createDockerServer, type ServerTls } from '../../src/docker-api/server/index.ts'
import { makeCertificate } from '../support/make-certificate.ts'
import { stubEngine } from '../support/stub-engine.ts'

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Answers in capitals; says goodbye when its input ends. */
const capitals = (): Duplex =>
  new Duplex({
    read() {},
    write(data: Buffer, _encoding, done) {
      this.push(data.toString().toUpperCase())
      done()
    },
    final(done) {
      this.push('GOODBYE')
      this.push(null)
      done()
    },
  })

async function serve(tls?: ServerTls): Promise<number> {
  const engine = stubEngine({ containers: { attach: async () => ({ stream: capitals(), tty: true }) } })
  const server = await createDockerServer({ engine, log: silentLog })
  closing.push(() => server.close())
  const hosts = ['tcp://127.0.0.1:0']
  const [host = ''] = await server.listen({ hosts, ...(tls === undefined ? {} : { tls }) })
  return Number(new URL(host).port)
}

const ATTACH = 'POST /containers/x/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\n'

/** Reads until the text is there. */
async function heard(socket: Socket, text: string): Promise<string> {
  let all = ''
  while (!all.includes(text)) all += String((await once(socket, 'data'))[0])
  return all
}

describe('attaching without asking to upgrade', () => {
  it('takes over a connection that was used for other requests before', async () => {
    const socket = connect({ port: await serve(), host: '127.0.0.1', allowHalfOpen: true })
    socket.write('GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n')
    await heard(socket, 'OK')
    socket.write(`${ATTACH}Content-Length: 0\r\n\r\n`)
    expect(await heard(socket, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*application\/vnd\.docker\.raw-stream/)
    socket.write('GET / HTTP/1.1\r\n\r\n')
    expect(await heard(socket, '\r\n\r\n')).toBe('GET / HTTP/1.1\r\n\r\n')
    socket.end('bye ')
    expect(await heard(socket, 'GOODBYE')).toBe('BYE GOODBYE')
    await once(socket, 'end')
  })

  it('does so over TLS', async () => {
    const pair = await makeCertificate()
    const port = await serve(pair)
    const socket = connectTls({ port, host: '127.0.0.1', ca: pair.cert, rejectUnauthorized: false })
    closing.push(() => void socket.destroy())
    socket.write(`${ATTACH}Content-Length: 0\r\n\r\n`)
    await heard(socket, '\r\n\r\n')
    socket.write('hello')
    expect(await heard(socket, 'HELLO')).toBe('HELLO')
  })

  it.each([
    ['of known length', 'Content-Length: 5\r\n\r\nhello'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
  ])('takes a body %s for the input', async (_title, body) => {
    const socket = connect(await serve(), '127.0.0.1')
    closing.push(() => void socket.destroy())
    socket.write(`${ATTACH}Connection: close\r\n${body}`)
    const answer = await heard(socket, 'GOODBYE')
    expect(answer).toContain('HELLO')
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/)
  })
})
