import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createSecureServer } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import {
  createEtcdMembers,
  createEtcdStore,
  type EtcdProcess,
  hasEtcdData,
  type Store,
  startEtcd,
} from '../../../src/discovery/index.ts'
import { readStoreTls } from '../../../src/main/store-tls.ts'
import { makeCertificate } from '../../support/make-certificate.ts'
import { freePort } from '../manager/support.ts'

let directory: string
/** For 127.0.0.1. */
let own: Awaited<ReturnType<typeof makeCertificate>>
let etcd: EtcdProcess

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-etcd-tls-'))
  own = await makeCertificate()
  await writeFile(join(directory, 'cert.pem'), own.cert)
  await writeFile(join(directory, 'key.pem'), own.key, { mode: 0o600 })
  const [certificate, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  etcd = await startEtcd({
    dataDir: join(directory, 'store'),
    clock: systemClock,
    tls: { certificate, key, authorities: certificate },
  })
})
afterAll(async () => {
  await etcd.stop()
  await rm(directory, { recursive: true, force: true })
})

/** As `--discovery-opt` has it. */
function open(endpoint: string): Store {
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const tls = readStoreTls({ 'kv.cacertfile': cert, 'kv.certfile': cert, 'kv.keyfile': key })
  return createEtcdStore({ endpoints: [endpoint], clock: systemClock, ...(tls === undefined ? {} : { tls }) })
}

it('reaches a store with certificates by its address', async () => {
  const store = open(etcd.endpoint)
  try {
    await store.txn([], [{ put: '/shoal/tls/a', value: 'b' }])
    expect(await store.get('/shoal/tls/a')).toMatchObject({ value: 'b' })
  } finally {
    await store.close()
  }
})

it('does not talk to who has the certificate of another address', async () => {
  let asked = 0
  const server = createSecureServer({ cert: own.cert, key: own.key }).on('stream', stream => {
    asked++
    stream.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.2', resolve))
  const address = server.address()
  const store = open(`127.0.0.2:${typeof address === 'object' ? address?.port : 0}`)
  try {
    await expect(store.get('/shoal/tls/a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(asked).toBe(0)
  } finally {
    await store.close()
    server.close()
  }
})

it('joins a store in the end whose members it could not reach at first', async () => {
  const [certificate, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const begin = (name: string, peer: string, joins?: readonly string[]): Promise<EtcdProcess> => {
    const member = { name, peer, peerHostName: '127.0.0.1', ...(joins === undefined ? {} : { joins }) }
    const tls = { certificate, key, authorities: certificate }
    return startEtcd({ dataDir: join(directory, name), clock: systemClock, tls, member, startTimeoutMs: 60_000 })
  }
  const [first, second] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  const one = await begin('one', first)
  const tls = readStoreTls({ 'kv.cacertfile': certificate, 'kv.certfile': certificate, 'kv.keyfile': key })
  const members = createEtcdMembers({
    endpoints: [one.endpoint],
    clock: systemClock,
    ...(tls === undefined ? {} : { tls }),
  })
  try {
    await members.add(`https://${second}`)
    await expect(begin('two', second, [`https://127.0.0.1:${await freePort()}`])).rejects.toThrow('cluster info')
    // It would begin a store of its own as what it was.
    expect(await hasEtcdData(join(directory, 'two'))).toBe(false)
    const two = await begin('two', second, [`https://${first}`])
    try {
      expect(await hasEtcdData(join(directory, 'two'))).toBe(true)
      expect(new Map((await members.list()).map(({ name, isLearner }) => [name, isLearner]))).toEqual(
        new Map([
          ['one', false],
          ['two', true],
        ]),
      )
    } finally {
      await two.stop()
    }
  } finally {
    members.close()
    await one.stop()
  }
})
