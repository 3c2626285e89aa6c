import { KeyObject, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import { errorMessage, invalidInput } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import { MANAGER_HOST, type Role, type Subject } from './subject.ts'

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

export interface Lifetime {
  readonly fromMs: number
  readonly untilMs: number
}

/** What a signing request asks for, its own signature checked. */
export interface RequestFacts {
  readonly name: string
  /** Undefined: it leaves that to whoever signs. */
  readonly role: string | undefined
  /** Whatever else its subject says, for refusals. */
  readonly clusterId: string | undefined
  readonly hosts: readonly string[]
  readonly keyDigest: string
}

/** What is to be signed: the public key of `csr`, and of the rest only what is said here. */
export interface SignOptions {
  readonly csr: string
  readonly authority: KeyPair
  readonly subject: Subject
  /** Besides its name. */
  readonly hosts: readonly string[]
  readonly life: Lifetime
}

/** Makes keys, requests and certificates: the port to WebCrypto and to what encodes X.509. */
export interface CertificateMaker {
  readonly authority: (clusterId: string, life: Lifetime) => Promise<KeyPair>
  /** A new key with a request for it. The key stays with whoever asks. */
  readonly request: (wanted: {
    readonly name: string
    readonly role: Role
    readonly hosts: readonly string[]
    /** PKCS#8 PEM of a key that is there already. */
    readonly key?: string
  }) => Promise<{ readonly csr: string; readonly key: string }>
  /** Throws 400 BAD_REQUEST for what is no request, or is not signed by its own key. */
  readonly readRequest: (csr: string) => Promise<RequestFacts>
  readonly sign: (options: SignOptions) => Promise<string>
}

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const
const SERIAL_BYTES = 16
const REQUEST_LENGTH_MAX = 16_384
/** Clocks of hosts differ: a certificate is valid for those that lag behind, too. */
const SKEW_MS = 10 * 60_000

export function createCertificateMaker(random: Random): CertificateMaker {
  const serial = (): string => {
    const bytes = random.bytes(SERIAL_BYTES)
    // Positive, and no leading zero that encoders would have to leave out.
    bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
    return bytes.toString('hex')
  }
  return {
    async authority(clusterId, life) {
      const x509 = await loadX509()
      const keys = await newKeys()
      const certificate = await x509.X509CertificateGenerator.createSelfSigned(
        {
          serialNumber: serial(),
          name: [{ CN: ['Shoal cluster'] }, { O: [clusterId] }],
          ...validity(life),
          signingAlgorithm: SIGNING,
          keys,
          extensions: [
            new x509.BasicConstraintsExtension(true, 0, true),
            new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
            await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
          ],
        },
        webcrypto,
      )
      return { certificate: pemText(certificate.toString('pem')), key: keyText(keys.privateKey) }
    },
    async request({ name, role, hosts, key }) {
      const x509 = await loadX509()
      const keys = key === undefined ? await newKeys() : await keysOf(key)
      const csr = await x509.Pkcs10CertificateRequestGenerator.create(
        {
          name: [{ CN: [name] }, { OU: [role] }],
          keys,
          signingAlgorithm: SIGNING,
          extensions: hosts.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(hosts.map(generalName))],
        },
        webcrypto,
      )
      return { csr: pemText(csr.toString('pem')), key: keyText(keys.privateKey) }
    },
    readRequest: readSigningRequest,
    sign: options => sign(options, serial()),
  }
}

async function sign({ csr, authority, subject, hosts, life }: SignOptions, serialNumber: string): Promise<string> {
  const x509 = await loadX509()
  const request = await parseRequest(csr)
  const all = [subject.name, ...(subject.role === 'manager' ? [MANAGER_HOST] : []), ...hosts]
  const issuer = new x509.X509Certificate(authority.certificate)
  const { digitalSignature } = x509.KeyUsageFlags
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber,
      subject: [{ CN: [subject.name] }, { OU: [subject.role] }, { O: [subject.clusterId] }],
      issuer: issuer.subjectName,
      ...validity(life),
      signingAlgorithm: SIGNING,
      publicKey: request.publicKey,
      signingKey: (await keysOf(authority.key)).privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([...usagesOf(subject.role)]),
        new x509.SubjectAlternativeNameExtension(all.map(generalName)),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  )
  return pemText(certificate.toString('pem'))
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const ALTERNATIVE_NAMES = '2.5.29.17'
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/** A person's certificate can serve nothing. */
function usagesOf(role: Role): readonly string[] {
  return role === 'client' ? [CLIENT_AUTH] : [SERVER_AUTH, CLIENT_AUTH]
}

/** Loaded late: it takes longer than most commands run, and only joining and signing need it. */
async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

async function parseRequest(csr: string) {
  const x509 = await loadX509()
  try {
    if (csr.length > REQUEST_LENGTH_MAX) throw new Error(`it is longer than ${REQUEST_LENGTH_MAX} characters`)
    const request = new x509.Pkcs10CertificateRequest(csr)
    if (!(await request.verify(webcrypto))) throw new Error('it is not signed with its own key')
    return request
  } catch (cause) {
    throw invalidInput('BAD_REQUEST', `Cannot read the signing request: ${errorMessage(cause)}`, { cause })
  }
}

async function readSigningRequest(csr: string): Promise<RequestFacts> {
  const x509 = await loadX509()
  const request = await parseRequest(csr)
  const { namedCurve, name: algorithm } = request.publicKey.algorithm as { name: string; namedCurve?: string }
  if (algorithm !== CURVE.name || namedCurve !== CURVE.namedCurve) {
    throw invalidInput('BAD_REQUEST', 'Cannot sign this key: expected ECDSA on P-256')
  }
  const one = (part: string): string | undefined => {
    const values = request.subjectName.getField(part)
    if (values.length > 1) throw invalidInput('BAD_REQUEST', `Cannot sign a request with several ${part}`)
    return values[0]
  }
  const digest = await request.publicKey.getThumbprint('SHA-256', webcrypto)
  const extension = request.getExtension(ALTERNATIVE_NAMES)
  const alternatives = extension instanceof x509.SubjectAlternativeNameExtension ? extension.names.items : []
  const odd = alternatives.find(({ type }) => type !== 'dns' && type !== 'ip')
  if (odd !== undefined) {
    throw invalidInput('BAD_REQUEST', `Cannot sign a request for the ${odd.type} ${odd.value}: only hosts are named`)
  }
  return {
    name: one('CN') ?? '',
    role: one('OU'),
    clusterId: one('O'),
    hosts: alternatives.map(({ value }) => value),
    keyDigest: Buffer.from(digest).toString('hex'),
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify'])
}

async function keysOf(pem: string): Promise<webcrypto.CryptoKeyPair> {
  const x509 = await loadX509()
  const raw = x509.PemConverter.decodeFirst(pem)
  const privateKey = await webcrypto.subtle.importKey('pkcs8', raw, CURVE, true, ['sign'])
  const { d: _private, key_ops: _use, ...open } = await webcrypto.subtle.exportKey('jwk', privateKey)
  const publicKey = await webcrypto.subtle.importKey('jwk', open, CURVE, true, ['verify'])
  return { privateKey, publicKey }
}

function keyText(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' })
}

function pemText(pem: string): string {
  return `${pem.trimEnd()}\n`
}

function validity({ fromMs, untilMs }: Lifetime): { readonly notBefore: Date; readonly notAfter: Date } {
  // Small beside the life, by which it is told when to renew.
  const skewMs = Math.min(SKEW_MS, (untilMs - fromMs) / 10)
  return { notBefore: new Date(fromMs - skewMs), notAfter: new Date(untilMs) }
}

function generalName(host: string): { readonly type: 'ip' | 'dns'; readonly value: string } {
  return { type: isIP(host) === 0 ? 'dns' : 'ip', value: host }
}
