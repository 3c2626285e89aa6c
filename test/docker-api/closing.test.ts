import { once } from 'node:events'
import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { createDockerServer } from '../../src/docker-api/server/index.ts'
import { stubEngine } from '../support/stub-engine.ts'

it.each(['Connection: Upgrade\r\nUpgrade: tcp\r\n', ''])('closes while a conversation goes on (%j)', async wish => {
  const containers = { attach: async () => ({ stream: new PassThrough(), tty: true }) }
  const server = await createDockerServer({ engine: stubEngine({ containers }), log: silentLog })
  const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'] })
  const socket = connect(Number(new URL(host).port), '127.0.0.1')
  socket.write(`POST /containers/x/attach?stream=1 HTTP/1.1\r\nHost: x\r\n${wish}Content-Length: 0\r\n\r\n`)
  await once(socket, 'data')
  const closed = once(socket, 'close')
  await server.close()
  await closed
  expect(socket.destroyed).toBe(true)
})

it('leaves it to clients to close connections that are idle: the next request may be on its way', async () => {
  const server = await createDockerServer({ engine: stubEngine({}), log: silentLog })
  const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'] })
  const socket = connect(Number(new URL(host).port), '127.0.0.1').setEncoding('utf8')
  for (const _round of [1, 2]) {
    socket.write('GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [string]
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/)
    // A server that closes them says when it will.
    expect(answer).not.toMatch(/^Keep-Alive:/im)
    expect(answer).not.toMatch(/^Connection: close/im)
  }
  socket.destroy()
  await server.close()
})
