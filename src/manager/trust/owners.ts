import { type ClusterKeys, type Operation, trustCodec } from '../../discovery/index.ts'
import type { NameRecord } from '../../trust/index.ts'
import { livingCertificates, type TrustPorts, untilWritten } from './ports.ts'
import { listStored, nameRecordCodec, readStored } from './trust-records.ts'

type Certificates = NameRecord['certificates']

/** More than anybody needs at once, and few enough to be taken back in one transaction. */
const CERTIFICATES_MAX = 16

/** The newest of a name, and the one that its owner has shown just now; `dropped` are to be taken back. */
export function fewCertificates(
  certificates: Certificates,
  shown?: string,
): { readonly kept: Certificates; readonly dropped: Certificates } {
  const oldest = certificates.slice(0, -CERTIFICATES_MAX)
  const dropped = oldest.filter(({ fingerprint }) => fingerprint !== shown)
  return { kept: certificates.filter(each => !dropped.includes(each)), dropped }
}

/** Tells everybody that certificates of a name are not to be taken any more. */
export function revocation(
  { name, isTaken = false }: { readonly name: string; readonly isTaken?: boolean },
  certificates: Certificates,
  keys: ClusterKeys,
): readonly Operation[] {
  return certificates.map(({ fingerprint, serial, notAfterMs }) => {
    const named = { name, fingerprint, ...(serial === undefined ? {} : { serial }) }
    const value = trustCodec.encode({ kind: 'revoked', ...named, isTaken, untilMs: notAfterMs })
    return { put: keys.revoked(fingerprint), value }
  })
}

/** Takes the store's user of a name and then its record, if none of its certificates lives. May be repeated. */
export async function forgetOwner(key: string, ports: TrustPorts): Promise<void> {
  const { store, keys, clock, users } = ports
  await untilWritten(async () => {
    const stored = await readStored(ports, key, nameRecordCodec)
    if (stored === undefined) return true
    const { name, role } = stored.value
    if (livingCertificates(stored.value, clock.nowMs()).length > 0) {
      // Somebody got the name meanwhile, whose user we may have taken.
      if (role !== 'client') await users?.ensure(name, role)
      return true
    }
    await users?.remove(name)
    const noted = [keys.managerPlace(name), keys.renewal(name), keys.revocationActed(name)]
    const gone = [key, ...noted].map(each => ({ delete: each }))
    return (await store.txn([stored.unchanged], gone)).succeeded || undefined
  })
}

/** Forgets owners and revocations of certificates that nobody could show any more. */
export async function forgetExpired(ports: TrustPorts): Promise<void> {
  const { store, keys, clock } = ports
  const nowMs = clock.nowMs()
  for (const { value } of await listStored(ports, keys.certificateNames, nameRecordCodec)) {
    if (livingCertificates(value, nowMs).length === 0) await forgetOwner(keys.certificateName(value.name), ports)
  }
  for (const { value } of await listStored(ports, keys.publicTrust, trustCodec)) {
    if (value.kind === 'revoked' && value.untilMs <= nowMs) {
      await store.txn([], [{ delete: keys.revoked(value.fingerprint) }])
    }
  }
}
