import { createPrivateKey, KeyObject, webcrypto } from 'node:crypto'
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

/** What is signed outside of any cluster: for one who serves, or one who asks, and never for both. */
export interface LoneOptions {
  readonly csr: string
  /** Its key may be ECDSA or RSA, in any PEM form that is not encrypted. */
  readonly authority: KeyPair
  readonly name: string
  /** Whose authority it is. */
  readonly organisation: string
  readonly use: 'serve' | 'ask'
  /** DNS names and addresses it is for; of one who asks: none. */
  readonly hosts: readonly string[]
  readonly life: Lifetime
}

/** Makes keys, requests and certificates: the port to WebCrypto and to what encodes X.509. */
export interface CertificateMaker {
  readonly authority: (clusterId: string, life: Lifetime, commonName?: string) => Promise<KeyPair>
  /** A new key with a request for it. The key stays with whoever asks. */
  readonly request: (wanted: {
    readonly name: string
    /** Absent: it is none of a cluster. */
    readonly role?: Role
    readonly hosts: readonly string[]
    /** PKCS#8 PEM of a key that is there already. */
    readonly key?: string
  }) => Promise<{ readonly csr: string; readonly key: string }>
  /** Throws 400 BAD_REQUEST for what is no request, or is not signed by its own key. */
  readonly readRequest: (csr: string) => Promise<RequestFacts>
  readonly sign: (options: SignOptions) => Promise<string>
  /** Throws BAD_AUTHORITY for an authority with whose key nothing can be signed. */
  readonly signLone: (options: LoneOptions) => Promise<string>
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
    async authority(clusterId, life, commonName = 'Shoal cluster') {
      const x509 = await loadX509()
      const keys = await newKeys()
      const certificate = await x509.X509CertificateGenerator.createSelfSigned(
        {
          serialNumber: serial(),
          name: [{ CN: [commonName] }, { O: [clusterId] }],
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
          name: [{ CN: [name] }, ...(role === undefined ? [] : [{ OU: [role] }])],
          keys,
          signingAlgorithm: SIGNING,
          extensions: hosts.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(hosts.map(generalName))],
        },
        webcrypto,
      )
      return { csr: pemText(csr.toString('pem')), key: keyText(keys.privateKey) }
    },
    readRequest: readSigningRequest,
    sign: ({ subject: { name, role, clusterId }, hosts, ...options }) =>
      sign(
        {
          ...options,
          subject: [{ CN: [name] }, { OU: [role] }, { O: [clusterId] }],
          hosts: [name, ...(role === 'manager' ? [MANAGER_HOST] : []), ...hosts],
          // A person's certificate can serve nothing.
          usages: role === 'client' ? [CLIENT_AUTH] : [SERVER_AUTH, CLIENT_AUTH],
        },
        serial(),
      ),
    signLone: ({ name, organisation, use, ...options }) =>
      sign(
        {
          ...options,
          subject: [{ CN: [name] }, { O: [organisation] }],
          usages: [use === 'serve' ? SERVER_AUTH : CLIENT_AUTH],
        },
        serial(),
      ),
  }
}

interface Signing extends Pick<SignOptions, 'csr' | 'authority' | 'hosts' | 'life'> {
  readonly subject: Record<string, string[]>[]
  readonly usages: string[]
}

async function sign({ csr, authority, subject, hosts, usages, life }: Signing, serialNumber: string): Promise<string> {
  const x509 = await loadX509()
  const request = await parseRequest(csr)
  const issuer = new x509.X509Certificate(authority.certificate)
  const { digitalSignature } = x509.KeyUsageFlags
  const signingKey = await signingKeyOf(authority.key)
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber,
      subject,
      issuer: issuer.subjectName,
      ...validity(life),
      // The hash is for ECDSA; a key of RSA has its own.
      signingAlgorithm: { ...signingKey.algorithm, hash: 'SHA-256' },
      publicKey: request.publicKey,
      signingKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(usages),
        ...(hosts.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(hosts.map(generalName))]),
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

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

/** A private key of an authority, as whoever made it wrote it. Throws BAD_AUTHORITY. */
async function signingKeyOf(pem: string): Promise<webcrypto.CryptoKey> {
  try {
    const key = createPrivateKey(pem)
    const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? '']
    if (curve === undefined && key.asymmetricKeyType !== 'rsa') {
      throw new Error(
        `it is ${key.asymmetricKeyType}, and expected is RSA, or ECDSA on ${Object.values(CURVES).join(', ')}`,
      )
    }
    const algorithm =
      curve === undefined ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } : { name: CURVE.name, namedCurve: curve }
    const raw = key.export({ type: 'pkcs8', format: 'der' })
    return await webcrypto.subtle.importKey('pkcs8', new Uint8Array(raw), algorithm, false, ['sign'])
  } catch (cause) {
    throw invalidInput('BAD_AUTHORITY', `Cannot sign with the private key of the authority: ${errorMessage(cause)}`, {
      cause,
    })
  }
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
