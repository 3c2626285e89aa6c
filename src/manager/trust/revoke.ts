import { errorCode, notFound } from '../../core/errors.ts'
import { retry } from '../../core/retry.ts'
import type { NameRecord } from '../../trust/index.ts'
import { forgetExpired, forgetOwner, revocation } from './owners.ts'
import { takeOutCopy } from './places.ts'
import { livingCertificates, STORE_PATIENCE, type TrustPorts, untilWritten } from './ports.ts'
import { advanceRotation } from './rotation.ts'
import { listStored, nameRecordCodec, readStored } from './trust-records.ts'

export interface CertificateView {
  readonly name: string
  readonly role: NameRecord['role']
  readonly hosts: readonly string[]
  readonly fingerprint: string
  readonly expiresAt: string
}

/** Who has a certificate that is valid, by name; of several the newest. What has run out is forgotten. */
export async function listCertificates(ports: TrustPorts): Promise<readonly CertificateView[]> {
  await forgetExpired(ports)
  const nowMs = ports.clock.nowMs()
  const names = await listStored(ports, ports.keys.certificateNames, nameRecordCodec)
  return names.flatMap(({ value }) => {
    const newest = livingCertificates(value, nowMs).at(-1)
    if (newest === undefined) return []
    const { name, role, hosts } = value
    const expiresAt = new Date(newest.notAfterMs).toISOString()
    return { name, role, hosts, fingerprint: newest.fingerprint, expiresAt }
  })
}

/**
 * Takes back every certificate of a name, and its user of the store; the name is free then. Throws 404 NO_SUCH_CERTIFICATE. The record
 * goes last: what stopped half-way can be done again. The same for an owner who gives them back: whoever stole them can say so too, and
 * stay connected.
 */
export async function revoke(name: string, ports: TrustPorts): Promise<void> {
  const { store, keys, clock, log } = ports
  const key = keys.certificateName(name)
  await takeOutCopy(name, ports)
  await untilWritten(async () => {
    const stored = await readStored(ports, key, nameRecordCodec)
    if (stored === undefined) throw notFound('NO_SUCH_CERTIFICATE', `Nobody called ${name} has a certificate`)
    const { role } = stored.value
    // People have no user of the store, and nothing there that they could go on with.
    const owner = { name, isTaken: role !== 'client' }
    const marks = revocation(owner, livingCertificates(stored.value, clock.nowMs()), keys)
    const ended = nameRecordCodec.encode({ ...stored.value, certificates: [] })
    const { succeeded } = await store.txn([stored.unchanged], [...marks, { put: key, value: ended }])
    return succeeded || undefined
  })
  const follow = async (): Promise<void> => {
    await forgetOwner(key, ports)
    await forgetExpired(ports)
    await advanceRotation(ports)
  }
  // A store of our own hangs up on everybody now, so that the owner is not let in again.
  await retry(follow, STORE_PATIENCE, ports)
  log.info({ name }, 'took back a certificate')
}

/** The same for a name that perhaps never had one. */
export async function revokeIfAny(name: string, ports: TrustPorts): Promise<void> {
  try {
    await revoke(name, ports)
  } catch (error) {
    if (errorCode(error) !== 'NO_SUCH_CERTIFICATE') throw error
  }
}
