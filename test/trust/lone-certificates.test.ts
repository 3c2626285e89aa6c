import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { expect, it } from 'vitest'
import { systemRandom } from '../../src/core/random.ts'
import { createCertificateMaker, isIssuedBy, type KeyPair, readCertificate } from '../../src/trust/index.ts'
import { makeAuthority } from '../support/make-certificate.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const life = { fromMs: NOW_MS, untilMs: NOW_MS + 86_400_000 }
const maker = createCertificateMaker(systemRandom)

async function signed(authority: KeyPair, use: 'serve' | 'ask', hosts: readonly string[] = []): Promise<string> {
  const { csr } = await maker.request({ name: 'n1', hosts: [] })
  return maker.signLone({ csr, authority, name: 'n1', organisation: 'store', use, hosts, life })
}

it('is for one who serves or one who asks, and never for both', async () => {
  const authority = await maker.authority('store', life, 'Shoal machines')
  const serving = new X509Certificate(await signed(authority, 'serve', ['n1', '10.0.0.1']))
  expect(serving.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(serving.subjectAltName).toBe('DNS:n1, IP Address:10.0.0.1')
  const asking = new X509Certificate(await signed(authority, 'ask'))
  expect(asking.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(asking.subjectAltName).toBeUndefined()
  expect(serving.issuer).toContain('Shoal machines')
})

it('speaks for no member of a cluster', async () => {
  const authority = await maker.authority('c1', life)
  expect(readCertificate(await signed(authority, 'serve')).subject).toBeUndefined()
})

it.each([
  ['RSA', ['rsa:2048']],
  ['ECDSA on P-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1']],
])('is signed by an authority that others made, with a key of %s', async (_kind, key) => {
  const authority = await makeAuthority(key)
  const certificate = await signed(authority, 'serve', ['n1'])
  expect(isIssuedBy(certificate, authority.certificate)).toBe(true)
})

it.each([
  ['an encrypted key', () => generateKeyPairSync('rsa', { modulusLength: 2048, ...ENCRYPTED }).privateKey],
  ['a key of another kind', () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })],
  ['no key', () => 'hello'],
])('is not signed with %s', async (_what, key) => {
  const { certificate } = await maker.authority('store', life)
  await expect(signed({ certificate, key: key() }, 'serve')).rejects.toMatchObject({ code: 'BAD_AUTHORITY' })
})

const ENCRYPTED = {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' },
} as const
