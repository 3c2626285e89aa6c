import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { errorMessage, invalidInput } from '../core/errors.ts'
import { isRole, isSubjectName, type Subject } from './subject.ts'

/** What a certificate says, however it came to us. */
export interface CertificateFacts {
  /** Undefined: it is none of a member of a cluster. */
  readonly subject: Subject | undefined
  /** SHA-256 of the whole certificate, in hexadecimal digits. */
  readonly fingerprint: string
  /** Hexadecimal digits; unique among those of an authority. */
  readonly serial: string
  /** SHA-256 of its public key: the same in every certificate for one key. */
  readonly keyDigest: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** DNS names and addresses it is for. */
  readonly hosts: readonly string[]
}

const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g
/** A bundle has two authorities while they are changed, and nobody sends longer ones in good faith. */
const BUNDLE_MAX = 8

/** The certificates of a PEM text, each by itself. Throws 400 BAD_CERTIFICATE. */
export function splitPem(text: string): readonly string[] {
  const found = text.match(PEM) ?? []
  if (found.length === 0 || found.length > BUNDLE_MAX) {
    throw bad(`expected between 1 and ${BUNDLE_MAX} certificates in PEM form, found ${found.length}`)
  }
  return found
}

/** Reads the first certificate of a PEM text. Throws 400 BAD_CERTIFICATE. */
export function readCertificate(pem: string): CertificateFacts {
  return factsOf(parse(splitPem(pem)[0] ?? ''))
}

export function factsOf(certificate: X509Certificate): CertificateFacts {
  return {
    subject: subjectOf(certificate),
    fingerprint: fingerprintOf(certificate),
    serial: certificate.serialNumber.toLowerCase(),
    keyDigest: sha256(certificate.publicKey.export({ type: 'spki', format: 'der' })),
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
    hosts: hostsOf(certificate.subjectAltName ?? ''),
  }
}

export function fingerprintOf(certificate: X509Certificate): string {
  return sha256(certificate.raw)
}

/** SHA-256 of an authority's certificate: what join tokens name it by. Throws 400 BAD_CERTIFICATE. */
export function authorityDigest(pem: string): string {
  return sha256(parse(splitPem(pem)[0] ?? '').raw)
}

export interface Expected {
  readonly authorities: string
  readonly nowMs: number
  readonly subject: Partial<Subject>
}

/** Whether an authority of a bundle signed a certificate, directly. */
export function isIssuedBy(pem: string, authorities: string): boolean {
  const certificate = parse(splitPem(pem)[0] ?? '')
  return splitPem(authorities).some(text => {
    const authority = parse(text)
    return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
  })
}

/** Whether a private key is the one that a certificate is for; what is no key, or one with a passphrase, is none. */
export function isKeyOf(pem: string, key: string): boolean {
  const certificate = parse(splitPem(pem)[0] ?? '')
  try {
    return certificate.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

/** Whether a certificate is for a host: a DNS name or an address, as it is written there or covered by what is. */
export function certifies(pem: string, host: string): boolean {
  const certificate = parse(splitPem(pem)[0] ?? '')
  if (isIP(host) !== 0) return certificate.checkIP(host) !== undefined
  return (
    hostsOf(certificate.subjectAltName ?? '').includes(host) ||
    certificate.checkHost(host, { subject: 'never' }) !== undefined
  )
}

/**
 * Checks a certificate against the authorities trusted, the time and whom it should speak for. Throws 400 BAD_CERTIFICATE
 * with what is wrong.
 */
export function verifyCertificate(pem: string, { authorities, nowMs, subject: wanted }: Expected): CertificateFacts {
  const facts = readCertificate(pem)
  const why = whyUntrusted(facts, isIssuedBy(pem, authorities), nowMs)
  if (why !== undefined) throw bad(why)
  const { subject } = facts
  for (const [part, value] of Object.entries(wanted) as [keyof Subject, string][]) {
    if (subject?.[part] !== value) throw bad(`its ${part} is ${subject?.[part] ?? 'missing'} and not ${value}`)
  }
  return facts
}

/** Undefined: it can be trusted now. */
export function whyUntrusted(
  { notBeforeMs, notAfterMs }: Pick<CertificateFacts, 'notBeforeMs' | 'notAfterMs'>,
  isIssued: boolean,
  nowMs: number,
): string | undefined {
  if (!isIssued) return 'it is of no authority that is trusted'
  if (nowMs > notAfterMs) return `it expired at ${new Date(notAfterMs).toISOString()}`
  if (nowMs < notBeforeMs) return `it is valid from ${new Date(notBeforeMs).toISOString()} on: check the clock`
  return undefined
}

function parse(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw bad(errorMessage(cause))
  }
}

function bad(why: string): Error {
  return invalidInput('BAD_CERTIFICATE', `Cannot use the certificate: ${why}`)
}

function subjectOf(certificate: X509Certificate): Subject | undefined {
  // A part that is there twice is a list: then nobody is meant.
  const { CN, OU, O } = certificate.toLegacyObject().subject as unknown as Readonly<Record<string, unknown>>
  if (!isSubjectName(CN) || !isRole(OU) || typeof O !== 'string') return undefined
  return { name: CN, role: OU, clusterId: O }
}

function hostsOf(text: string): string[] {
  return [...text.matchAll(/(?:DNS|IP Address):([^,"]+)/g)].map(([, host = '']) => host.trim())
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
