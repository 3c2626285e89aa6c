import { beforeEach, describe, expect, it, vi } from 'vitest'
import { unavailable } from '../../../src/core/errors.ts'
import type { ManualClock } from '../../../src/core/manual-clock.ts'
import { trustCodec } from '../../../src/discovery/index.ts'
import type { ApiRequest } from '../../../src/manager/http/route.ts'
import { importAuthority } from '../../../src/manager/trust/import-authority.ts'
import { join, renew } from '../../../src/manager/trust/issue.ts'
import { publishPlace } from '../../../src/manager/trust/places.ts'
import type { TrustPorts } from '../../../src/manager/trust/ports.ts'
import { listCertificates, revoke } from '../../../src/manager/trust/revoke.ts'
import { confirm, rotateAuthority, viewAuthority } from '../../../src/manager/trust/rotation.ts'
import { listTokens, removeToken, rotateTokens } from '../../../src/manager/trust/tokens.ts'
import { authorityCodec } from '../../../src/manager/trust/trust-records.ts'
import { trustRoutes } from '../../../src/manager/trust/trust-routes.ts'
import { CERTIFICATE_LIFE_MS, readCertificate, type Subject, splitPem } from '../../../src/trust/index.ts'
import { keys } from '../support.ts'
import { DAY_MS, maker, node, openTrust, shower, shownOf, type TrustLab } from './support.ts'

let lab: TrustLab
let clock: ManualClock
let ports: TrustPorts
let users: string[]
let joinAs: TrustLab['joinAs']
let token: TrustLab['token']

beforeEach(async () => {
  lab = await openTrust()
  ;({ clock, ports, users, joinAs, token } = lab)
})

describe('a join token', () => {
  it('gets a newcomer a certificate, the authorities, the store and a user there', async () => {
    const given = await joinAs('n1', await token(), { hosts: ['10.0.0.1'] })
    expect(readCertificate(given.certificate)).toMatchObject({ subject: node('n1'), hosts: ['n1', '10.0.0.1'] })
    expect(given).toMatchObject({ clusterId: 'c1', cluster: 'test', storeEndpoints: ['10.0.0.9:2379'] })
    expect(splitPem(given.certificate)[1]).toBe(splitPem(given.authorities)[0])
    expect(users).toEqual(['n1'])
  })

  it('is refused once it expired, was ended, or was replaced', async () => {
    const [ended, replaced, expired] = [await token(), await token(), await token('client')]
    const [first] = await listTokens(ports)
    await removeToken(first?.id ?? '', ports)
    await rotateTokens({ role: 'node', lifeMs: DAY_MS, once: false }, ports)
    await clock.advance(DAY_MS)
    for (const text of [ended, replaced, expired]) {
      await expect(joinAs('n1', text)).rejects.toMatchObject({ code: 'BAD_TOKEN', status: 403 })
    }
    expect(await listTokens(ports)).toEqual([])
  })

  it('for one use is used once, but its user may ask again', async () => {
    const text = await token('node', true)
    const { key } = await joinAs('n1', text)
    await expect(joinAs('n2', text)).rejects.toThrow('has been used')
    await expect(joinAs('n1', text, { key })).resolves.toMatchObject({ clusterId: 'c1' })
    expect(await listTokens(ports)).toMatchObject([{ once: true, usedBy: expect.any(String) }])
  })

  it('is for its role, and for no name that lives', async () => {
    const text = await token()
    await expect(joinAs('n1', text, { role: 'manager' })).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(joinAs('n1', text.replace('-node-', '-manager-'))).rejects.toMatchObject({ code: 'BAD_TOKEN' })
    await joinAs('n1', text)
    await expect(joinAs('n1', text)).rejects.toMatchObject({ code: 'NAME_TAKEN', status: 409 })
  })

  it('leaves nothing in the store that it could be made from', async () => {
    const text = await token()
    const { items } = await ports.store.list(keys.joinTokens)
    expect(JSON.stringify(items)).not.toContain(text.split('-').at(-1))
  })
})

describe('a certificate', () => {
  it('that is taken back is named to everybody, and its name and user are free', async () => {
    const text = await token()
    const { certificate } = await joinAs('n1', text)
    await revoke('n1', ports)
    const { items } = await ports.store.list(keys.publicTrust)
    expect(items.map(({ key }) => key)).toContain(keys.revoked(readCertificate(certificate).fingerprint))
    expect(users).toEqual([])
    await expect(joinAs('n1', text)).resolves.toMatchObject({ clusterId: 'c1' })
    await expect(revoke('n9', ports)).rejects.toMatchObject({ code: 'NO_SUCH_CERTIFICATE' })
  })

  it('is renewed by its owner alone, and free when nobody did', async () => {
    const text = await token()
    const { key, certificate } = await joinAs('n1', text)
    const { csr } = await maker.request({ name: 'n1', role: 'node', hosts: [], key })
    const asker = (name: string) => ({ ...shower(certificate, name), remoteAddress: '10.0.0.1' })
    await clock.advance(60 * DAY_MS)
    const next = await renew(csr, asker('n1'), ports)
    expect(Date.parse(next.expiresAt)).toBe(clock.nowMs() + CERTIFICATE_LIFE_MS)
    await expect(renew(csr, asker('n2'), ports)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    expect(await listCertificates(ports)).toMatchObject([{ name: 'n1', role: 'node' }])
    await clock.advance(91 * DAY_MS)
    expect(await listCertificates(ports)).toEqual([])
    await expect(joinAs('n1', await token())).resolves.toMatchObject({ clusterId: 'c1' })
  })
})

describe('a certificate that is taken back', () => {
  it('may still be connected with, whoever gives it back', async () => {
    const { certificate } = await joinAs('n1', await token())
    const ann = await joinAs('ann', await token('client'), { role: 'client' })
    const showing = (pem: string) => ({ address: undefined, certificate: readCertificate(pem), problem: undefined })
    for (const pem of [certificate, ann.certificate]) {
      const routes = trustRoutes({ ...ports, peerOf: () => showing(pem) })
      const leave = routes.find(({ path }) => path === '/v1/leave')
      await leave?.handle({ params: {}, query: {}, raw: {} } as ApiRequest)
    }
    const records = (await ports.store.list(keys.revoked(''))).items.map(({ value }) => trustCodec.decode(value))
    const taken = Object.fromEntries(records.map(each => (each.kind === 'revoked' ? [each.name, each.isTaken] : [])))
    expect(taken).toEqual({ n1: true, ann: false })
  })

  it('renews nothing any more, whether or not its managers have heard of it', async () => {
    const text = await token()
    const { key, certificate } = await joinAs('n1', text)
    const { csr } = await maker.request({ name: 'n1', role: 'node', hosts: [], key })
    await revoke('n1', ports)
    await expect(renew(csr, shower(certificate), ports)).rejects.toMatchObject({ code: 'NO_SUCH_CERTIFICATE' })
    await joinAs('n1', text)
    await expect(renew(csr, shower(certificate), ports)).rejects.toMatchObject({ code: 'NO_SUCH_CERTIFICATE' })
  })

  it('is taken back by the next who tries, where the store failed half-way', async () => {
    await joinAs('n1', await token())
    let isAway = true
    const remove = async () => {
      if (isAway) throw new Error('the store is away')
      users = []
    }
    const failing = { ...ports, users: { ensure: async () => {}, remove } }
    await expect(revoke('n1', failing)).rejects.toThrow('the store is away')
    expect(users).toEqual(['n1'])
    isAway = false
    await revoke('n1', failing)
    expect(users).toEqual([])
    await expect(revoke('n1', ports)).rejects.toMatchObject({ code: 'NO_SUCH_CERTIFICATE' })
  })

  it('does not cost somebody the user who got the name in that moment', async () => {
    const text = await token()
    await joinAs('n1', text)
    const remove = async () => {
      users = []
      const { csr } = await maker.request({ name: 'n1', role: 'node', hosts: [] })
      // The record is of no living owner by now, and the newcomer's own removal is not what is tried here.
      const quiet = {
        ...ports,
        users: { ensure: async (name: string) => void users.push(name), remove: async () => {} },
      }
      await join({ token: text, csr }, '10.0.0.1', quiet)
      users = []
    }
    await revoke('n1', { ...ports, users: { ensure: async name => void users.push(name), remove } })
    expect(users).toEqual(['n1'])
    expect(await listCertificates(ports)).toMatchObject([{ name: 'n1' }])
  })

  it('takes a manager out of the list of those to ask', async () => {
    await joinAs('m1', await token('manager'), { role: 'manager' })
    await publishPlace({ name: 'm1', address: '10.0.0.1:3376' }, ports)
    await revoke('m1', ports)
    expect(await ports.store.get(keys.managerPlace('m1'))).toBeUndefined()
  })

  it('takes the copy of the store out first that a manager keeps, and does nothing where it cannot go', async () => {
    await joinAs('m1', await token('manager'), { role: 'manager' })
    const member = { peer: '10.0.0.1:2380', endpoint: undefined }
    await publishPlace({ name: 'm1', address: '10.0.0.1:3376', member }, ports)
    const copies = { remove: async () => Promise.reject(new Error('too few would be left')) }
    await expect(revoke('m1', { ...ports, copies })).rejects.toThrow('too few')
    expect(await listCertificates(ports)).toMatchObject([{ name: 'm1' }])
    const removed: string[] = []
    const remove = async (peer: string): Promise<void> => {
      // It was asked itself, and went without an answer.
      if (removed.push(peer) === 1) throw unavailable('STORE_UNAVAILABLE', 'it hung up')
    }
    const revoking = revoke('m1', { ...ports, copies: { remove } })
    await vi.waitFor(() => expect(removed).toHaveLength(1))
    await clock.advance(1_000)
    await revoking
    expect(removed).toEqual(['10.0.0.1:2380', '10.0.0.1:2380'])
    expect(await listCertificates(ports)).toEqual([])
  })

  it('is forgotten when it would have run out, as owners are', async () => {
    const text = await token()
    await joinAs('n1', text)
    await joinAs('n2', text)
    await revoke('n1', ports)
    await clock.advance(CERTIFICATE_LIFE_MS + DAY_MS)
    await listCertificates(ports)
    expect((await ports.store.list(keys.certificateNames)).items).toEqual([])
    expect((await ports.store.list(keys.publicTrust)).items).toHaveLength(1)
    expect(users).toEqual([])
  })

  it('is the oldest of a name that has many, but never the one that is shown', async () => {
    const { key, certificate } = await joinAs('n1', await token())
    const { csr } = await maker.request({ name: 'n1', role: 'node', hosts: [], key })
    for (let count = 0; count < 20; count++) await renew(csr, shower(certificate), ports)
    const marks = (await ports.store.list(keys.revoked(''))).items.map(({ key: mark }) => mark)
    expect(marks).toHaveLength(4)
    expect(marks).not.toContain(keys.revoked(readCertificate(certificate).fingerprint))
    await revoke('n1', ports)
    expect((await ports.store.list(keys.revoked(''))).items).toHaveLength(21)
  })
})

describe('a change of the authority', () => {
  it('is not held up by join tokens, however many, and they are of no use after it', async () => {
    for (let count = 0; count < 130; count++) await token('client')
    const old = await token()
    await rotateAuthority({ force: false }, ports)
    const kept = (await ports.store.list(keys.joinTokens)).items
    expect(await rotateAuthority({ force: true }, ports)).toMatchObject({ step: 'renewing' })
    expect(await listTokens(ports)).toEqual([])
    // As if they had not been forgotten.
    for (const { key, value } of kept) await ports.store.txn([], [{ put: key, value }])
    await expect(joinAs('n1', old)).rejects.toMatchObject({ code: 'BAD_TOKEN', status: 403 })
  })

  it('goes on when every member has said that it follows, with what it has', async () => {
    const old = await token()
    const { certificate, key } = await joinAs('n1', old)
    const { authorities } = await rotateAuthority({ force: false }, ports)
    const [first = '', second = ''] = authorities.map(({ digest }) => digest)
    const tell = (pem: string, trusts: readonly string[]) => confirm({ name: 'n1', ...shownOf(pem), trusts }, ports)
    expect(await viewAuthority(ports)).toMatchObject({ step: 'introducing', waitsFor: ['n1'] })
    await tell(certificate, [first])
    expect(await viewAuthority(ports)).toMatchObject({ step: 'introducing', waitsFor: ['n1'] })
    await tell(certificate, [first, second])
    expect(await viewAuthority(ports)).toMatchObject({ step: 'renewing', waitsFor: ['n1'] })
    // Tokens name the authority that managers show.
    await expect(joinAs('n2', old)).rejects.toMatchObject({ code: 'BAD_TOKEN' })
    const { csr } = await maker.request({ name: 'n1', role: 'node', hosts: [], key })
    const next = await renew(csr, shower(certificate), ports)
    // What was answered may not have come: it still shows the old one.
    await tell(certificate, [first, second])
    expect(await viewAuthority(ports)).toMatchObject({ step: 'renewing', waitsFor: ['n1'] })
    await tell(next.certificate, [first, second])
    expect(await viewAuthority(ports)).toMatchObject({ step: 'steady', authorities: [{ digest: second }] })
  })

  it('waits for who is away until it is told not to, or they are given up', async () => {
    const text = await token()
    await joinAs('n1', text)
    await joinAs('n2', text)
    await rotateAuthority({ force: false }, ports)
    await expect(rotateAuthority({ force: false }, ports)).rejects.toMatchObject({ code: 'ROTATION_RUNS' })
    await revoke('n1', ports)
    expect(await viewAuthority(ports)).toMatchObject({ step: 'introducing', waitsFor: ['n2'] })
    expect(await rotateAuthority({ force: true }, ports)).toMatchObject({ step: 'renewing', waitsFor: ['n2'] })
    await revoke('n2', ports)
    expect(await viewAuthority(ports)).toMatchObject({ step: 'steady', waitsFor: [] })
  })

  it('waits for the person who asks for it, and for no other', async () => {
    const text = await token('client')
    await joinAs('ann', text, { role: 'client' })
    const { key, certificate } = await joinAs('bob', text, { role: 'client' })
    const { authorities } = await rotateAuthority({ force: false, awaits: 'bob' }, ports)
    expect(await viewAuthority(ports)).toMatchObject({ step: 'introducing', waitsFor: ['bob'] })
    const trusts = authorities.map(({ digest }) => digest)
    const tell = (pem: string) => confirm({ name: 'bob', ...shownOf(pem), trusts }, ports)
    await tell(certificate)
    expect(await viewAuthority(ports)).toMatchObject({ step: 'renewing', waitsFor: ['bob'] })
    const { csr } = await maker.request({ name: 'bob', role: 'client', hosts: [], key })
    const subject: Subject = { name: 'bob', role: 'client', clusterId: 'c1' }
    await tell((await renew(csr, { ...shower(certificate), subject }, ports)).certificate)
    expect(await viewAuthority(ports)).toMatchObject({ step: 'steady' })
    // The next change is somebody else's.
    expect(await rotateAuthority({ force: false }, ports)).toMatchObject({ waitsFor: [] })
  })

  it('is gone on with by who waits for it again, who begins none that is over', async () => {
    await joinAs('n1', await token())
    await joinAs('bob', await token('client'), { role: 'client' })
    expect(await rotateAuthority({ force: false, resume: true }, ports)).toMatchObject({ step: 'steady' })
    await rotateAuthority({ force: false }, ports)
    const again = { force: false, awaits: 'bob', resume: true }
    expect(await rotateAuthority(again, ports)).toMatchObject({ step: 'introducing', waitsFor: ['bob', 'n1'] })
  })

  it('is not forced on without the person who forces it and waits', async () => {
    await joinAs('n1', await token())
    const { key, certificate } = await joinAs('bob', await token('client'), { role: 'client' })
    const { authorities } = await rotateAuthority({ force: false }, ports)
    const trusts = authorities.map(({ digest }) => digest)
    const tell = (pem: string) => confirm({ name: 'bob', ...shownOf(pem), trusts }, ports)
    const forced = () => rotateAuthority({ force: true, awaits: 'bob' }, ports)
    expect(await forced()).toMatchObject({ step: 'introducing', waitsFor: ['bob', 'n1'] })
    await tell(certificate)
    expect(await forced()).toMatchObject({ step: 'renewing' })
    expect(await forced()).toMatchObject({ step: 'renewing', waitsFor: ['bob', 'n1'] })
    const { csr } = await maker.request({ name: 'bob', role: 'client', hosts: [], key })
    const subject: Subject = { name: 'bob', role: 'client', clusterId: 'c1' }
    await tell((await renew(csr, { ...shower(certificate), subject }, ports)).certificate)
    expect(await forced()).toMatchObject({ step: 'steady' })
  })

  it('is refused where others run the store', async () => {
    const stored = await ports.store.get(keys.authority)
    const value = JSON.stringify({ ...JSON.parse(stored?.value ?? ''), hasForeignStore: true })
    await ports.store.txn([], [{ put: keys.authority, value }])
    for (const force of [false, true]) {
      await expect(rotateAuthority({ force }, ports)).rejects.toMatchObject({ code: 'FOREIGN_STORE', status: 409 })
    }
  })

  it('is refused there too where an earlier version did not note that', async () => {
    const stored = authorityCodec.decode((await ports.store.get(keys.authority))?.value ?? '')
    await importAuthority({ ...stored, hasForeignStore: true }, ports)
    await expect(rotateAuthority({ force: false }, ports)).rejects.toMatchObject({ code: 'FOREIGN_STORE' })
    // What is noted stays.
    expect(await importAuthority({ ...stored, hasForeignStore: false }, ports)).toMatchObject({ hasForeignStore: true })
  })

  it('waits for nobody where there is nobody', async () => {
    await joinAs('ann', await token('client'), { role: 'client' })
    await rotateAuthority({ force: false }, ports)
    expect(await rotateAuthority({ force: true }, ports)).toMatchObject({ step: 'renewing', waitsFor: [] })
  })
})
