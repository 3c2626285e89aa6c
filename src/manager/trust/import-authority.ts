import { conflict } from '../../core/errors.ts'
import { authorityDigest, type NameRecord, readCertificate } from '../../trust/index.ts'
import { fewCertificates, revocation } from './owners.ts'
import { livingCertificates, readAuthority, type TrustPorts, untilWritten, writeAuthority } from './ports.ts'
import { type AuthorityRecord, authorityCodec, nameRecordCodec, readStored, type TrustStore } from './trust-records.ts'

/**
 * Puts an authority that was made before there was a store into it. One that is there already stays, and is returned. Throws 409
 * OTHER_CLUSTER if that is of another cluster.
 */
export async function importAuthority(made: AuthorityRecord, ports: TrustStore): Promise<AuthorityRecord> {
  const { store, keys } = ports
  await store.txn([{ key: keys.authority, exists: false }], writeAuthority(ports, made))
  return untilWritten(async () => {
    const stored = await readStored(ports, keys.authority, authorityCodec)
    if (stored?.value.clusterId !== made.clusterId) {
      throw conflict(
        'OTHER_CLUSTER',
        `The store has the authority of the cluster ${stored?.value.clusterId ?? 'unknown'}, and this host that of ${made.clusterId}: give the store or the data root that belongs to the other`,
      )
    }
    const { value, unchanged } = stored
    // Earlier versions did not note who runs the store.
    if (value.hasForeignStore !== undefined || made.hasForeignStore === undefined) return value
    const noted = { ...value, hasForeignStore: made.hasForeignStore }
    return (await store.txn([unchanged], writeAuthority(ports, noted))).succeeded ? noted : undefined
  })
}

/** Notes a certificate that was made before there was a store: its owner's name is taken from then on. */
export async function noteCertificate(pem: string, ports: TrustPorts): Promise<void> {
  const { subject, fingerprint, serial, notAfterMs, hosts, keyDigest } = readCertificate(pem)
  if (subject === undefined) return
  const { name, role } = subject
  const key = ports.keys.certificateName(name)
  await untilWritten(async () => {
    const { value: record } = await readAuthority(ports)
    const known = await readStored(ports, key, nameRecordCodec)
    const before = known === undefined ? [] : livingCertificates(known.value, ports.clock.nowMs())
    if (before.some(each => each.fingerprint === fingerprint)) return true
    const made = { fingerprint, serial, notAfterMs, authority: record.signing }
    const { kept, dropped } = fewCertificates([...before, made])
    const owner: NameRecord = {
      name,
      role,
      hosts: hosts.filter(host => host !== name),
      keyDigest,
      certificates: kept,
      trusts: known?.value.trusts ?? record.authorities.map(({ certificate }) => authorityDigest(certificate)),
      shows: known?.value.shows ?? record.signing,
    }
    const { succeeded } = await ports.store.txn(
      [known?.unchanged ?? { key, exists: false }],
      [{ put: key, value: nameRecordCodec.encode(owner) }, ...revocation({ name }, dropped, ports.keys)],
    )
    return succeeded || undefined
  })
}
