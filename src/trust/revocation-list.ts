import { createPrivateKey, webcrypto } from 'node:crypto'
import type { KeyPair } from './certificate-maker.ts'

const SIGNING = { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' } as const

/** DER of the list of certificates, named by their serials, that an authority of a cluster has taken back. */
export async function signRevocationList({
  authority,
  serials,
  nowMs,
}: {
  readonly authority: KeyPair
  readonly serials: readonly string[]
  readonly nowMs: number
}): Promise<Uint8Array> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const revocationDate = new Date(nowMs)
  const key = createPrivateKey(authority.key).export({ type: 'pkcs8', format: 'der' })
  const list = await x509.X509CrlGenerator.create(
    {
      issuer: new x509.X509Certificate(authority.certificate).subjectName,
      thisUpdate: revocationDate,
      entries: serials.map(serialNumber => ({ serialNumber, revocationDate })),
      signingAlgorithm: SIGNING,
      signingKey: await webcrypto.subtle.importKey('pkcs8', new Uint8Array(key), SIGNING, false, ['sign']),
    },
    webcrypto,
  )
  return new Uint8Array(list.rawData)
}
