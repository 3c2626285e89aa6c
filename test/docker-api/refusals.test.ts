import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { createDockerServer } from '../../src/docker-api/server/index.ts'
import { stubEngine } from '../support/stub-engine.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Sends bytes as they are and resolves with the whole answer. */
async function exchange(head: string): Promise<string> {
  const server = await createDockerServer({ engine: stubEngine({}), log: silentLog })
  closing.push(() => server.close())
  const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'] })
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(host).port), '127.0.0.1')
    let text = ''
    socket.on('data', data => {
      text += data.toString()
    })
    socket.on('close', () => resolve(text)).on('error', reject)
    socket.write(`${head.trim().replaceAll('\n', '\r\n')}\r\nHost: x\r\n\r\n`)
  })
}

const MANAGER = /HTTP\/1.1 503 Service Unavailable[^]*"message":"This node is not a swarm manager\. Use \\"docker/
const CLOSE = 'HTTP/1.1\nConnection: close'

describe('what the engine has not', () => {
  it.each([
    [`GET /swarm ${CLOSE}`, MANAGER],
    [`GET /v1.24/services ${CLOSE}`, MANAGER],
    [`GET /services/web/logs?stdout=1 ${CLOSE}`, MANAGER],
    [`POST /services/create ${CLOSE}\nContent-Length: 0`, MANAGER],
    [`DELETE /secrets/x ${CLOSE}`, MANAGER],
    [`GET /nodes ${CLOSE}`, MANAGER],
    [`GET /configs ${CLOSE}`, MANAGER],
    [`POST /swarm/leave ${CLOSE}\nContent-Length: 0`, /503[^]*"This node is not part of a swarm"/],
    [`POST /swarm/init ${CLOSE}\nContent-Length: 0`, /501[^]*"code":"SWARM_MODE_UNSUPPORTED"/],
    [`GET /plugins ${CLOSE}`, /200 OK[^]*\[\]$/],
    [`GET /plugins/vieux/sshfs/json ${CLOSE}`, /404[^]*"plugin \\"vieux\/sshfs\\" not found"/],
    ['POST /session HTTP/1.1\nConnection: Upgrade, close\nUpgrade: h2c\nContent-Length: 0', /501[^]*DOCKER_BUILDKIT=0/],
    [`POST /v1.41/grpc ${CLOSE}\nContent-Length: 0`, /501[^]*DOCKER_BUILDKIT=0/],
    [
      `DELETE /containers/web?link=1 ${CLOSE}`,
      /409[^]*"Conflict, cannot remove the default link name of the container"/,
    ],
    [`DELETE /containers/web/db ${CLOSE}`, /404[^]*"No such container: web\/db"/],
    [`POST /containers/web/rename ${CLOSE}\nContent-Length: 0`, /400[^]*"Neither old nor new names may be empty"/],
    [`PUT /info ${CLOSE}\nContent-Length: 0`, /404[^]*\{"message":"page not found"\}/],
  ])('answers %s', async (request, answer) => {
    expect(await exchange(request)).toMatch(answer)
  })
})

describe('URLs and versions that mean nothing', () => {
  const UPGRADE = 'HTTP/1.1\nConnection: Upgrade\nUpgrade: tcp\nContent-Length: 0'
  it.each([
    [`GET /containers/json?all=%zz ${CLOSE}`, /^HTTP\/1.1 400 Bad Request[^]*"message":"invalid URL escape \\"%zz\\""/],
    [`GET /events?filters=%7 ${CLOSE}`, /^HTTP\/1.1 400 Bad Request[^]*"message":"invalid URL escape \\"%7\\""/],
    [
      `POST /containers/x/attach?detachKeys=% ${UPGRADE}`,
      /^HTTP\/1.1 400 Bad Request[^]*"message":"invalid URL escape/,
    ],
    [`GET /containers/%zz/json ${CLOSE}`, /^HTTP\/1.1 400 Bad Request[^]*api-version: 1.47[^]*"message":".*%zz/i],
    [
      `POST /containers/%zz/attach ${UPGRADE}`,
      /^HTTP\/1.1 400 Bad Request[^]*"message":"invalid URL escape in \\"%zz\\"/,
    ],
    [`POST /v1.99/containers/x/attach ${UPGRADE}`, /^HTTP\/1.1 400[^]*client version 1.99 is too new/],
    [`POST /v1.11/exec/x/start ${UPGRADE}`, /^HTTP\/1.1 400[^]*client version 1.11 is too old/],
  ])('answers %s with 400', async (request, answer) => {
    expect(await exchange(request)).toMatch(answer)
  })
})
