import { createServer, type Server as PlainServer } from 'node:http'
import { createServer as createTlsServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { type ClientTls, createDockerClient } from '../../src/docker-api/index.ts'
import { makeCertificate } from '../support/make-certificate.ts'

type Certificate = Awaited<ReturnType<typeof makeCertificate>>

let ours: Certificate
let strange: Certificate
const closing: (() => void)[] = []

beforeAll(async () => {
  ours = await makeCertificate()
  strange = await makeCertificate()
})
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function serve(server: Server | PlainServer) {
  server.on('request', (_request, response) => response.end('{"Version":"1.0"}'))
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
    socket.on('data', (data: Buffer) => socket.end(data))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A server that lets in whoever has a certificate of its own authority. */
const serveTls = () =>
  serve(createTlsServer({ cert: ours.cert, key: ours.key, ca: ours.cert, requestCert: true, rejectUnauthorized: true }))

function connect(address: string, tls?: ClientTls) {
  const client = createDockerClient(address, { clock: systemClock, tls })
  closing.push(client.close)
  return client
}

const trusted = (): ClientTls => ({ ca: ours.cert, cert: ours.cert, key: ours.key, verify: true })

it('talks over TLS, on one connection and on upgraded ones', async () => {
  const client = connect(await serveTls(), trusted())
  expect(await client.version()).toMatchObject({ Version: '1.0' })
  expect(await client.version()).toMatchObject({ Version: '1.0' })
  const attached = await client.exec.start('e1', { detach: false, tty: true })
  attached?.stream.write('echo')
  const [data] = await Array.fromAsync(attached?.stream ?? [])
  expect(String(data)).toBe('echo')
})

it('takes any certificate without verification, but still shows its own', async () => {
  const client = connect(await serveTls(), { cert: ours.cert, key: ours.key, verify: false })
  expect(await client.version()).toMatchObject({ Version: '1.0' })
})

it.each([
  ['an authority that did not sign it', () => ({ ...trusted(), ca: strange.cert }), 'of no authority that is trusted'],
  ['no authority but those of the system', () => ({ verify: true }), 'of no authority that is trusted'],
  ['a certificate of somebody else', () => ({ ...trusted(), ...strange, ca: ours.cert }), 'Cannot connect to'],
  ['no certificate', () => ({ ca: ours.cert, verify: true }), 'Cannot connect to'],
  ['no TLS', () => undefined, 'Cannot connect to'],
])('is refused, and says why, with %s', async (_what, tls: () => ClientTls | undefined, message) => {
  const client = connect(await serveTls(), tls())
  await expect(client.version()).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
    message: expect.stringContaining(message),
  })
})

it('says so when the other side does not speak TLS', async () => {
  const client = connect(await serve(createServer()), trusted())
  await expect(client.version()).rejects.toThrow('it does not speak TLS: connect without --tls')
})
