import { beforeEach, describe, expect, it } from 'vitest'
import type { ManualClock } from '../../../src/core/manual-clock.ts'
import { trustCodec } from '../../../src/discovery/index.ts'
import { noteActed, viewRevocations } from '../../../src/manager/trust/acted.ts'
import { renew } from '../../../src/manager/trust/issue.ts'
import type { TrustPorts } from '../../../src/manager/trust/ports.ts'
import { askForNewKey } from '../../../src/manager/trust/renewal.ts'
import { listCertificates, revoke } from '../../../src/manager/trust/revoke.ts'
import { confirm } from '../../../src/manager/trust/rotation.ts'
import { CERTIFICATE_LIFE_MS } from '../../../src/trust/index.ts'
import { keys } from '../support.ts'
import { maker, openTrust, shower, shownOf, type TrustLab } from './support.ts'

let clock: ManualClock
let ports: TrustPorts
let users: readonly string[]
let joinAs: TrustLab['joinAs']
let token: TrustLab['token']

beforeEach(async () => {
  ;({ clock, ports, users, joinAs, token } = await openTrust())
})

describe('another key', () => {
  const asked = async () => (await listCertificates(ports)).map(({ name, isRenewing }) => [name, isRenewing])
  const marks = async () =>
    (await ports.store.list(keys.revoked(''))).items.map(({ value }) => trustCodec.decode(value))
  const renewWith = async (certificate: string, key?: string) => {
    const made = await maker.request({ name: 'n1', role: 'node', hosts: [], ...(key === undefined ? {} : { key }) })
    return { ...(await renew(made.csr, shower(certificate), ports)), key: made.key }
  }
  const tell = (pem: string) => confirm({ name: 'n1', ...shownOf(pem), trusts: [] }, ports)

  it('is asked of a member until it shows a certificate for one, and what it had goes on', async () => {
    const { certificate, key } = await joinAs('n1', await token())
    await askForNewKey('n1', { revokesOld: false }, ports)
    await tell(certificate)
    // Whoever renews with the key that is to go has not done it.
    await tell((await renewWith(certificate, key)).certificate)
    expect(await asked()).toEqual([['n1', true]])
    await tell((await renewWith(certificate)).certificate)
    expect([await asked(), await marks()]).toEqual([[['n1', false]], []])
    await expect(renewWith(certificate)).resolves.toBeDefined()
  })

  it('ends what its owner had before if that was said, and is once more hung up on', async () => {
    const { certificate } = await joinAs('n1', await token())
    await askForNewKey('n1', { revokesOld: false }, ports)
    await askForNewKey('n1', { revokesOld: true }, ports)
    const next = await renewWith(certificate)
    expect(await marks()).toEqual([])
    await tell(next.certificate)
    expect(await marks()).toMatchObject([{ fingerprint: shownOf(certificate).fingerprint, isTaken: true, name: 'n1' }])
    await expect(renewWith(certificate)).rejects.toMatchObject({ code: 'NO_SUCH_CERTIFICATE' })
    await expect(renewWith(next.certificate)).resolves.toBeDefined()
    expect(users).toEqual(['n1'])
  })

  it('is still asked for where the answer got lost, by the key that its owner has', async () => {
    const { certificate, key } = await joinAs('n1', await token())
    await askForNewKey('n1', { revokesOld: false }, ports)
    const lost = await renewWith(certificate)
    await askForNewKey('n1', { revokesOld: false }, ports)
    const stored = trustCodec.decode((await ports.store.get(keys.renewal('n1')))?.value ?? '')
    expect(stored).toMatchObject({ kind: 'renewal', keyDigest: shownOf(certificate).keyDigest })
    await tell((await renewWith(certificate, key)).certificate)
    expect(await asked()).toEqual([['n1', true]])
    await tell((await renewWith(certificate, lost.key)).certificate)
    expect(await asked()).toEqual([['n1', false]])
  })

  it('is asked of nobody who has no certificate, and of no person', async () => {
    await joinAs('ann', await token('client'), { role: 'client' })
    const ask = (name: string) => askForNewKey(name, { revokesOld: false }, ports)
    await expect(ask('n9')).rejects.toMatchObject({ code: 'NO_SUCH_CERTIFICATE', status: 404 })
    await expect(ask('ann')).rejects.toMatchObject({ code: 'RENEWS_ITSELF', status: 400 })
    await joinAs('n1', await token())
    await ask('n1')
    await revoke('n1', ports)
    expect((await ports.store.list(keys.renewal(''))).items).toEqual([])
  })
})

describe('what was taken back', () => {
  const act = async (name: string) => {
    const marks = (await ports.store.list(keys.revoked(''))).items
    await noteActed({ name, revision: Math.max(0, ...marks.map(({ modRevision }) => modRevision)) }, ports)
  }

  it('is waited for until every manager has acted on it that could be there', async () => {
    await joinAs('m1', await token('manager'), { role: 'manager' })
    await joinAs('m2', await token('manager'), { role: 'manager' })
    await joinAs('n1', await token())
    expect(await viewRevocations(ports)).toEqual({ waitsFor: [], hasForeignStore: false })
    await revoke('n1', ports)
    expect(await viewRevocations(ports)).toMatchObject({ waitsFor: ['m1', 'm2'] })
    await act('m1')
    expect(await viewRevocations(ports)).toMatchObject({ waitsFor: ['m2'] })
    await act('m2')
    expect(await viewRevocations(ports)).toMatchObject({ waitsFor: [] })
    await joinAs('n2', await token())
    await revoke('n2', ports)
    await act('m1')
    // Nobody is asked whose own was taken back.
    await revoke('m2', ports)
    await act('m1')
    expect(await viewRevocations(ports)).toMatchObject({ waitsFor: [] })
    expect((await ports.store.list(keys.revocationsActed)).items.map(({ key }) => key)).toEqual([
      keys.revocationActed('m1'),
    ])
  })

  it('is told with how long it would have been taken', async () => {
    await joinAs('n1', await token())
    const until = new Date(clock.nowMs() + CERTIFICATE_LIFE_MS).toISOString()
    expect(await revoke('n1', ports)).toEqual({ role: 'node', until })
  })
})
