import { beforeAll, expect, it } from 'vitest'
import { systemRandom } from '../../src/core/random.ts'
import {
  authorityDigest,
  complainOfOwner,
  createCertificateMaker,
  type KeyPair,
  lifeOf,
  readCertificate,
  renewAtMs,
  verifyCertificate,
} from '../../src/trust/index.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000
const maker = createCertificateMaker(systemRandom)
const life = { fromMs: NOW_MS, untilMs: NOW_MS + 90 * DAY_MS }
const subject = { name: 'n1', role: 'node', clusterId: 'c1' } as const

let authority: KeyPair
let other: KeyPair
let certificate: string

beforeAll(async () => {
  authority = await maker.authority('c1', { fromMs: NOW_MS, untilMs: NOW_MS + 3_650 * DAY_MS })
  other = await maker.authority('c1', { fromMs: NOW_MS, untilMs: NOW_MS + 3_650 * DAY_MS })
  const { csr } = await maker.request({ name: 'n1', role: 'node', hosts: ['10.0.0.1', 'h.example'] })
  const { hosts } = await maker.readRequest(csr)
  certificate = await maker.sign({ csr, authority, subject, hosts, life })
})

it('says who somebody is, for the hosts asked for', () => {
  const wanted = { authorities: authority.certificate, nowMs: NOW_MS, subject }
  expect(verifyCertificate(certificate, wanted)).toMatchObject({ subject, hosts: ['n1', '10.0.0.1', 'h.example'] })
})

it('is trusted beside another authority, while they are changed', () => {
  const authorities = `${other.certificate}${authority.certificate}`
  expect(() => verifyCertificate(certificate, { authorities, nowMs: NOW_MS, subject })).not.toThrow()
})

it.each([
  ['of another authority of the same name', () => ({ authorities: other.certificate }), 'of no authority'],
  ['that expired', () => ({ nowMs: life.untilMs + 1_000 }), 'it expired at'],
  ['of tomorrow', () => ({ nowMs: NOW_MS - DAY_MS }), 'check the clock'],
  ['of another node', () => ({ subject: { name: 'n2' } }), 'its name is n1 and not n2'],
  ['of another role', () => ({ subject: { role: 'manager' as const } }), 'its role is node and not manager'],
  ['of another cluster', () => ({ subject: { clusterId: 'c2' } }), 'its clusterId is c1 and not c2'],
])('does not take a certificate %s', (_what, change, message) => {
  const wanted = { authorities: authority.certificate, nowMs: NOW_MS, subject, ...change() }
  expect(() => verifyCertificate(certificate, wanted)).toThrow(message)
})

it('does not take a certificate that a member signed', async () => {
  const { csr, key } = await maker.request({ name: 'n1', role: 'node', hosts: [] })
  const member = { certificate: await maker.sign({ csr, authority, subject, hosts: [], life }), key }
  const forged = await maker.sign({ csr, authority: member, subject: { ...subject, role: 'manager' }, hosts: [], life })
  const authorities = `${authority.certificate}${member.certificate}`
  expect(() => verifyCertificate(forged, { authorities, nowMs: NOW_MS, subject: {} })).toThrow('of no authority')
})

it('refuses what is no request, and one that was changed', async () => {
  await expect(maker.readRequest('hello')).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  const { csr } = await maker.request({ name: 'n1', role: 'node', hosts: [] })
  // Within the signature, which comes last.
  const at = csr.indexOf('-----END') - 12
  const changed = `${csr.slice(0, at)}${csr[at] === 'A' ? 'B' : 'A'}${csr.slice(at + 1)}`
  await expect(maker.readRequest(changed)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
})

it('keeps the key over renewals', async () => {
  const { csr, key } = await maker.request({ name: 'n1', role: 'node', hosts: [] })
  const again = await maker.request({ name: 'n1', role: 'node', hosts: [], key })
  expect(await maker.readRequest(again.csr)).toEqual(await maker.readRequest(csr))
})

it('renews after two thirds of a life, which ends before that of the authority', () => {
  expect(renewAtMs({ notBeforeMs: 0, notAfterMs: 90 })).toBe(60)
  expect(lifeOf(100, 90, 150)).toEqual({ fromMs: 100, untilMs: 150 })
  expect(authorityDigest(authority.certificate)).toMatch(/^[0-9a-f]{64}$/)
})

it('is only taken of the member that is meant', () => {
  const { fingerprint } = readCertificate(certificate)
  const shown = {
    subject: { CN: 'n1', OU: 'node', O: 'c1' } as never,
    fingerprint256: fingerprint.toUpperCase().replace(/..(?!$)/g, '$&:'),
  }
  const meant = { ...subject, revoked: () => false }
  expect(complainOfOwner(shown, meant)).toBeUndefined()
  expect(complainOfOwner(shown, { ...meant, name: 'n2' })?.message).toContain('the node n2 was to answer')
  expect(complainOfOwner(shown, { ...meant, role: 'manager' })?.message).toContain('it is the node n1')
  expect(complainOfOwner(shown, { ...meant, revoked: each => each === fingerprint })?.message).toContain('revoked')
})
