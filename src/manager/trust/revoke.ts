import { errorCode, notFound } from '../../core/errors.ts'
import type { TrustRecord } from '../../core/model/trust.ts'
import { retry } from '../../core/retry.ts'
import { trustCodec } from '../../discovery/index.ts'
import type { NameRecord } from '../../trust/index.ts'
import { forgetExpired, forgetOwner, revocation } from './owners.ts'
import { takeOutCopy } from './places.ts'
import { livingCertificates, STORE_PATIENCE, type TrustPorts, untilWritten } from './ports.ts'
import { advanceRotation } from './rotation.ts'
import { listStored, nameRecordCodec, readStored, type Stored } from './trust-records.ts'

export interface CertificateView {
  readonly name: string
  readonly role: NameRecord['role']
  readonly hosts: readonly string[]
  readonly fingerprint: string
  readonly expiresAt: string
  /** It was asked to make another key, and has not said yet that it shows a certificate for it. */
  readonly isRenewing: boolean
}

/** Who has a certificate that is valid, by name; of several the newest. What has run out is forgotten. */
export async function listCertificates(ports: TrustPorts): Promise<readonly CertificateView[]> {
  await forgetExpired(ports)
  const nowMs = ports.clock.nowMs()
  const names = await listStored(ports, ports.keys.certificateNames, nameRecordCodec)
  const renewing = new Set((await listStored(ports, ports.keys.renewal(''), trustCodec)).map(renewedBy))
  return names.flatMap(({ value }) => {
    const newest = livingCertificates(value, nowMs).at(-1)
    if (newest === undefined) return []
    const { name, role, hosts } = value
    const expiresAt = new Date(newest.notAfterMs).toISOString()
    return { name, role, hosts, fingerprint: newest.fingerprint, expiresAt, isRenewing: renewing.has(name) }
  })
}

function renewedBy({ value }: Stored<TrustRecord>): string | undefined {
  return value.kind === 'renewal' ? value.name : undefined
}

export interface TakenBack {
  readonly role: NameRecord['role']
  /** When the last of its certificates would have run out, as ISO 8601. */
  readonly until: string
}

/**
 * Takes back every certificate of a name, and its user of the store; the name is free then. Throws 404 NO_SUCH_CERTIFICATE. The record
 * goes last: what stopped half-way can be done again. The same for an owner who gives them back: whoever stole them can say so too, and
 * stay connected.
 */
export async function revoke(name: string, ports: TrustPorts): Promise<TakenBack> {
  const { store, keys, clock, log } = ports
  const key = keys.certificateName(name)
  await takeOutCopy(name, ports)
  const end = async (): Promise<TakenBack | undefined> => {
    const stored = await readStored(ports, key, nameRecordCodec)
    if (stored === undefined) throw notFound('NO_SUCH_CERTIFICATE', `Nobody called ${name} has a certificate`)
    const { role } = stored.value
    const living = livingCertificates(stored.value, clock.nowMs())
    // People have no user of the store, and nothing there that they could go on with.
    const marks = revocation({ name, isTaken: role !== 'client' }, living, keys)
    const ended = nameRecordCodec.encode({ ...stored.value, certificates: [] })
    const { succeeded } = await store.txn([stored.unchanged], [...marks, { put: key, value: ended }])
    const untilMs = Math.max(clock.nowMs(), ...living.map(({ notAfterMs }) => notAfterMs))
    return succeeded ? { role, until: new Date(untilMs).toISOString() } : undefined
  }
  // By a copy that has just been taken out, which answers for a moment still.
  const owner = await retry(() => untilWritten(end), STORE_PATIENCE, ports)
  const follow = async (): Promise<void> => {
    await forgetOwner(key, ports)
    await forgetExpired(ports)
    await advanceRotation(ports)
  }
  // A store of our own hangs up on everybody now, so that the owner is not let in again.
  await retry(follow, STORE_PATIENCE, ports)
  log.info({ name }, 'took back a certificate')
  return owner
}

/** The same for a name that perhaps never had one. */
export async function revokeIfAny(name: string, ports: TrustPorts): Promise<void> {
  try {
    await revoke(name, ports)
  } catch (error) {
    if (errorCode(error) !== 'NO_SUCH_CERTIFICATE') throw error
  }
}
