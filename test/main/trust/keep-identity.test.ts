import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { unavailable } from '../../../src/core/errors.ts'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { clusterKeys, createMemoryStore, trustCodec } from '../../../src/discovery/index.ts'
import { IdentityKeeper } from '../../../src/main/trust/keep-identity.ts'
import { Places } from '../../../src/main/trust/places.ts'
import { authorityDigest, readCertificate, renewAtMs } from '../../../src/trust/index.ts'
import { makeAuthority, makeMember, maker } from './lab.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-keep-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** A manager's keeper, whose store is that of one authority, and what it was asked to do. */
async function keeping(
  trustsChanged: () => Promise<void> = async () => {},
  revokedChanged: () => Promise<void> = async () => {},
) {
  const authority = await makeAuthority()
  const identity = await makeMember('m', 'manager', { authority })
  const { notBeforeMs } = readCertificate(identity.credentials.certificate)
  const clock = new ManualClock(notBeforeMs)
  const store = createMemoryStore({ clock })
  const keys = clusterKeys('c')
  const signing = authorityDigest(authority.certificate)
  const trust = (certificates: string) =>
    store.txn(
      [],
      [{ put: keys.trustedAuthorities, value: trustCodec.encode({ kind: 'authorities', certificates, signing }) }],
    )
  await trust(authority.certificate)
  const renewals: number[] = []
  const told: number[] = []
  const membership = { cluster: 'c', storeEndpoints: [], managers: [], signing }
  const places = new Places(membership)
  const keeper = new IdentityKeeper({
    store,
    keys,
    clock,
    random: { ...systemRandom, next: () => 0.5 },
    log: silentLog,
    maker,
    identity,
    directory,
    membership,
    places,
    async renew(csr) {
      renewals.push(clock.nowMs())
      throw unavailable('STORE_UNAVAILABLE', `nobody there for ${csr.length}`)
    },
    async confirm(trusts) {
      told.push(trusts.length)
    },
    trustsChanged,
    revokedChanged,
  })
  const ending = new AbortController()
  const run = keeper.run(ending.signal)
  const end = async (): Promise<void> => {
    ending.abort()
    await run
    keeper.close()
  }
  return { authority, identity, clock, store, keys, trust, renewals, told, end }
}

it('repeats what depends on the authorities until it has followed them, and tells nobody before', async () => {
  let tries = 0
  const kept = await keeping(async () => {
    if (++tries < 3) throw unavailable('ETCD_FAILED', 'it did not start')
  })
  await vi.waitFor(() => expect(kept.told).toEqual([1]))
  const { certificate } = await makeAuthority()
  await kept.trust(`${kept.authority.certificate}${certificate}`)
  await vi.waitFor(async () => {
    await kept.clock.advance(1_000)
    expect(kept.told).toEqual([1, 2])
  })
  expect(tries).toBe(3)
  await kept.end()
})

it('renews somewhat later than it could, so that hosts set up together do not renew together', async () => {
  const kept = await keeping()
  await vi.waitFor(() => expect(kept.told).toEqual([1]))
  const { certificate } = kept.identity.credentials
  const { notAfterMs } = readCertificate(certificate)
  const firstMs = renewAtMs(readCertificate(certificate))
  await kept.clock.advance(firstMs - kept.clock.nowMs())
  await vi.waitFor(async () => {
    await kept.clock.advance(60_000)
    expect(kept.renewals).not.toEqual([])
  })
  expect(kept.renewals[0]).toBeGreaterThanOrEqual(firstMs + 0.05 * (notAfterMs - firstMs))
  await kept.end()
})

it('goes on with its own certificate, whatever keeps it from telling of those that were taken back', async () => {
  let tries = 0
  const kept = await keeping(
    async () => {},
    async () => {
      if (++tries < 3) throw new Error('the disk is full')
    },
  )
  await vi.waitFor(() => expect(kept.told).toEqual([1]))
  expect(tries).toBeLessThan(3)
  await vi.waitFor(async () => {
    await kept.clock.advance(1_000)
    expect(tries).toBe(3)
  })
  await kept.end()
})

it('remembers where managers are for the next start', async () => {
  const { store, keys, told, end } = await keeping()
  await vi.waitFor(() => expect(told).toEqual([1]))
  const place = { kind: 'manager', name: 'm2', address: '10.0.0.2:3376', store: '10.0.0.2:2379' } as const
  await store.txn([], [{ put: keys.managerPlace('m2'), value: trustCodec.encode(place) }])
  const kept = async () => JSON.parse(await readFile(join(directory, 'identity.json'), 'utf8')) as unknown
  await vi.waitFor(async () => {
    expect(await kept()).toMatchObject({ managers: ['10.0.0.2:3376'], storeEndpoints: ['10.0.0.2:2379'] })
  })
  await end()
})
