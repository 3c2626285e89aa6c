import { notFound } from '../../core/errors.ts'
import type { Compare, Operation } from '../../discovery/index.ts'
import {
  authorityDigest,
  checkCurrent,
  checkToken,
  checkUnused,
  decideIssue,
  lifeOf,
  type NameRecord,
  parseJoinToken,
  readCertificate,
  type Subject,
  type TokenRecord,
  tokenId,
} from '../../trust/index.ts'
import { fewCertificates, forgetOwner, revocation } from './owners.ts'
import { livingCertificates, readAuthority, signingOf, type TrustPorts, untilWritten } from './ports.ts'
import { type AuthorityRecord, listStored, nameRecordCodec, readStored, tokenCodec } from './trust-records.ts'

/** What a member is given. */
export interface Issued {
  /** PEM: the certificate, and behind it the authority that signed it. */
  readonly certificate: string
  /** PEM of every authority to be trusted, and the digest of the one that signs. */
  readonly authorities: string
  readonly signing: string
  readonly clusterId: string
  /** Where the cluster stands in the store. */
  readonly cluster: string
  readonly storeEndpoints: readonly string[]
  readonly managers: readonly string[]
  /** When the certificate expires, as ISO 8601. */
  readonly expiresAt: string
}

interface Asked {
  readonly csr: string
  readonly remoteAddress: string | undefined
}

/** Gives a newcomer a certificate for the role of its token. Throws 400 and 403 BAD_TOKEN, and what `decideIssue` does. */
export function join(
  { token: text, csr }: { readonly token: string; readonly csr: string },
  remoteAddress: string | undefined,
  ports: TrustPorts,
): Promise<Issued> {
  const token = parseJoinToken(text)
  return untilWritten(async () => {
    // Before anything is calculated for somebody who may be anybody.
    const stored = await readStored(ports, ports.keys.joinToken(tokenId(token.secret)), tokenCodec)
    const record = checkToken(token, stored?.value, ports.clock.nowMs())
    const unchanged = stored === undefined ? [] : [stored.unchanged]
    const use = (keyDigest: string, signing: string): Allowed => {
      checkCurrent(record, signing)
      return { ...useToken(record, keyDigest, ports), unchanged }
    }
    return tryIssue({ csr, remoteAddress }, use, ports)
  })
}

/** Who shows a certificate, and which. */
export interface Shower {
  readonly subject: Subject
  readonly fingerprint: string
  readonly remoteAddress: string | undefined
}

/** Gives the owner of a certificate the next one. Throws 404 NO_SUCH_CERTIFICATE if it was taken back, and what `decideIssue` does. */
export function renew(
  csr: string,
  { subject, fingerprint, remoteAddress }: Shower,
  ports: TrustPorts,
): Promise<Issued> {
  const allowed: Allowed = { by: { certificate: subject }, shown: fingerprint, unchanged: [], operations: [] }
  return untilWritten(() => tryIssue({ csr, remoteAddress }, () => allowed, ports))
}

/** Undefined: the store has changed meanwhile. */
async function tryIssue(
  { csr, remoteAddress }: Asked,
  allow: (keyDigest: string, signing: string) => Allowed,
  ports: TrustPorts,
): Promise<Issued | undefined> {
  const { store, keys, clock, maker, users } = ports
  const nowMs = clock.nowMs()
  const { value: record, unchanged } = await readAuthority(ports)
  const request = await maker.readRequest(csr)
  const names = await listStored(ports, keys.certificateNames, nameRecordCodec)
  const living = names.map(({ value }) => value).filter(name => livingCertificates(name, nowMs).length > 0)
  const { clusterId, signing } = record
  const allowed = allow(request.keyDigest, signing)
  const { subject, hosts } = decideIssue({ request, by: allowed.by, clusterId, living, remoteAddress })
  const key = keys.certificateName(subject.name)
  const known = names.find(({ value }) => value.name === subject.name)
  const before = known === undefined ? [] : livingCertificates(known.value, nowMs)
  const isShown = before.some(each => each.fingerprint === allowed.shown)
  // What was taken back is heard of late by managers; the record tells it at once.
  if (allowed.shown !== undefined && !isShown) throw nobodys(subject.name)
  if (known !== undefined && before.length === 0) {
    // Its user may be that of another role.
    await forgetOwner(key, ports)
    return undefined
  }
  const authority = signingOf(record)
  const life = lifeOf(nowMs, record.certificateLifeMs, readCertificate(authority.certificate).notAfterMs)
  const certificate = await maker.sign({ csr, authority, subject, hosts, life })
  const { fingerprint, serial, notAfterMs } = readCertificate(certificate)
  const made = { fingerprint, serial, notAfterMs, authority: signing }
  const { kept, dropped } = fewCertificates([...before, made], allowed.shown)
  const owner: NameRecord = {
    name: subject.name,
    role: subject.role,
    hosts,
    keyDigest: request.keyDigest,
    certificates: kept,
    // A newcomer trusts what it is given now, and shows it when it comes.
    trusts: known?.value.trusts ?? record.authorities.map(each => authorityDigest(each.certificate)),
    shows: known?.value.shows ?? signing,
  }
  const { succeeded } = await store.txn(
    [unchanged, known?.unchanged ?? { key, exists: false }, ...allowed.unchanged],
    [{ put: key, value: nameRecordCodec.encode(owner) }, ...revocation(subject, dropped, keys), ...allowed.operations],
  )
  if (!succeeded) return undefined
  // Behind the record: whoever hears nothing of this asks again with the same key, and may. Who renews has had a user since then.
  if (subject.role !== 'client' && allowed.shown === undefined) await users?.ensure(subject.name, subject.role)
  ports.log.info({ name: subject.name, role: subject.role, fingerprint }, 'made a certificate')
  return answer(record, { certificate: `${certificate}${authority.certificate}`, notAfterMs }, ports)
}

interface Allowed {
  readonly by: Parameters<typeof decideIssue>[0]['by']
  /** Fingerprint of the certificate that this is asked with, which has to be its owner's still. */
  readonly shown?: string
  /** What has to hold in the store, and to be written there, for it to be so. */
  readonly unchanged: readonly Compare[]
  readonly operations: readonly Operation[]
}

function nobodys(name: string): Error {
  return notFound('NO_SUCH_CERTIFICATE', `Nobody called ${name} has this certificate: join again with a token`)
}

function useToken(value: TokenRecord, keyDigest: string, { keys }: TrustPorts): Omit<Allowed, 'unchanged'> {
  checkUnused(value, keyDigest)
  const used = { put: keys.joinToken(value.id), value: tokenCodec.encode({ ...value, usedBy: keyDigest }) }
  return { by: { token: value.role }, operations: value.once ? [used] : [] }
}

function answer(
  { authorities, signing, clusterId }: AuthorityRecord,
  { certificate, notAfterMs }: { readonly certificate: string; readonly notAfterMs: number },
  { storeEndpoints, managers, cluster }: TrustPorts,
): Issued {
  return {
    certificate,
    authorities: authorities.map(each => each.certificate).join(''),
    signing,
    clusterId,
    cluster,
    storeEndpoints: storeEndpoints(),
    managers: managers(),
    expiresAt: new Date(notAfterMs).toISOString(),
  }
}
