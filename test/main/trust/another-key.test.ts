import { access, copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { unavailable } from '../../../src/core/errors.ts'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { clusterKeys, createMemoryStore, trustCodec } from '../../../src/discovery/index.ts'
import { identityPaths, readIdentity, writeIdentity, writeKey } from '../../../src/main/trust/identity-files.ts'
import { IdentityKeeper } from '../../../src/main/trust/keep-identity.ts'
import { Places } from '../../../src/main/trust/places.ts'
import { authorityDigest, isKeyOf, type KeyPair, type LiveIdentity, readCertificate } from '../../../src/trust/index.ts'
import { CLUSTER, makeAuthority, makeMember, maker } from './lab.ts'

let directory: string
let authority: KeyPair
let identity: LiveIdentity
let clock: ManualClock
const ending = new Set<() => Promise<void>>()
const keys = clusterKeys('c')
const paths = () => identityPaths(directory)
const keyOf = (certificate: string): string => readCertificate(certificate).keyDigest

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-key-'))
  authority = await makeAuthority()
  identity = await makeMember('n1', 'node', { authority })
  clock = new ManualClock(readCertificate(identity.credentials.certificate).notBeforeMs)
  await writeKey(directory, identity.credentials.key)
  await writeIdentity(directory, { credentials: identity.credentials, membership: membership() })
})
afterEach(async () => {
  for (const end of ending) await end()
  ending.clear()
  await rm(directory, { recursive: true })
})

const membership = () => ({
  cluster: 'c',
  storeEndpoints: [],
  managers: [],
  signing: authorityDigest(authority.certificate),
})

async function sign(csr: string): Promise<string> {
  const { subject } = identity.credentials
  const life = { fromMs: clock.nowMs(), untilMs: clock.nowMs() + 3_600_000 }
  return `${await maker.sign({ csr, authority, subject, hosts: [], life })}${authority.certificate}`
}

/** A node's keeper; managers lose their answer to the first question if that is said. */
function keeping({ losesFirst = false } = {}) {
  const store = createMemoryStore({ clock })
  const asked: string[] = []
  const told: string[] = []
  const keeper = new IdentityKeeper({
    store,
    keys,
    clock,
    random: systemRandom,
    log: silentLog,
    maker,
    identity,
    directory,
    membership: membership(),
    places: new Places(membership()),
    async renew(csr) {
      asked.push((await maker.readRequest(csr)).keyDigest)
      if (losesFirst && asked.length === 1) throw unavailable('NO_MANAGER', 'the answer was lost')
      const certificate = await sign(csr)
      return { certificate, authorities: '', clusterId: CLUSTER, ...membership(), expiresAt: 'later' }
    },
    async confirm() {
      told.push(keyOf(identity.credentials.certificate))
    },
  })
  const aborting = new AbortController()
  const run = keeper.run(aborting.signal)
  ending.add(async () => {
    aborting.abort()
    await run
    keeper.close()
  })
  const ask = (name: string, keyDigest: string) =>
    store.txn([], [{ put: keys.renewal(name), value: trustCodec.encode({ kind: 'renewal', name, keyDigest }) }])
  return { ask, asked, told }
}

it('is made by a member that is asked for it, once, and is kept beside its certificate', async () => {
  const { certificate, key } = identity.credentials
  const kept = keeping()
  await vi.waitFor(() => expect(kept.told).toEqual([keyOf(certificate)]))
  await kept.ask('n2', keyOf(certificate))
  await kept.ask('n1', keyOf(certificate))
  await vi.waitFor(() => expect(kept.told).toHaveLength(2))
  const { credentials } = identity
  expect(kept.asked).toEqual([keyOf(credentials.certificate)])
  expect(credentials.key).not.toBe(key)
  expect(isKeyOf(credentials.certificate, credentials.key)).toBe(true)
  expect((await readIdentity(directory))?.credentials).toEqual(credentials)
  await expect(access(paths().nextKey)).rejects.toThrow('ENOENT')
})

it('is the same one when managers are asked again, whose answer was lost', async () => {
  const { certificate } = identity.credentials
  const kept = keeping({ losesFirst: true })
  await vi.waitFor(() => expect(kept.told).toHaveLength(1))
  await kept.ask('n1', keyOf(certificate))
  await vi.waitFor(async () => {
    await clock.advance(1_000)
    expect(kept.told).toHaveLength(2)
  })
  expect(kept.asked).toEqual([kept.told[1], kept.told[1]])
})

it('is taken into use by the next who reads it, where its maker died over that', async () => {
  const old = { certificate: await readFile(paths().certificate), key: await readFile(paths().key, 'utf8') }
  const kept = keeping()
  await kept.ask('n1', keyOf(identity.credentials.certificate))
  await vi.waitFor(() => expect(kept.told).toHaveLength(1))
  const { credentials } = identity
  await rename(paths().key, paths().nextKey)
  await writeKey(directory, old.key)
  await copyFile(paths().certificate, join(directory, 'new'))
  // Before the certificate was written the old one holds, with its key.
  await writeFile(paths().certificate, old.certificate)
  expect((await readIdentity(directory))?.credentials.key).toBe(old.key)
  await rename(join(directory, 'new'), paths().certificate)
  expect((await readIdentity(directory))?.credentials).toEqual(credentials)
  expect(await readFile(paths().key, 'utf8')).toBe(credentials.key)
})
