import { invalidInput, notFound } from '../../core/errors.ts'
import { type Compare, type Operation, trustCodec } from '../../discovery/index.ts'
import type { NameRecord } from '../../trust/index.ts'
import { revocation } from './owners.ts'
import { livingCertificates, type TrustPorts, untilWritten } from './ports.ts'
import { nameRecordCodec, readStored } from './trust-records.ts'

/**
 * Has the owner of a name make another key, and get a certificate for it: a manager or a node, which reads this in the store as soon as it
 * can. Asked again it stays one wish. Throws 404 NO_SUCH_CERTIFICATE, and 400 RENEWS_ITSELF for people, who do it themselves.
 */
export async function askForNewKey(
  name: string,
  { revokesOld }: { readonly revokesOld: boolean },
  ports: TrustPorts,
): Promise<void> {
  const { store, keys, clock } = ports
  await untilWritten(async () => {
    const stored = await readStored(ports, keys.certificateName(name), nameRecordCodec)
    if (stored === undefined || livingCertificates(stored.value, clock.nowMs()).length === 0) {
      throw notFound('NO_SUCH_CERTIFICATE', `Nobody called ${name} has a certificate`)
    }
    if (stored.value.role === 'client') {
      throw invalidInput(
        'RENEWS_ITSELF',
        `The certificate of ${name} is a person's, whose key is elsewhere: they renew it with swarm client-cert`,
      )
    }
    const key = keys.renewal(name)
    const asked = await readStored(ports, key, trustCodec)
    const before = asked?.value.kind === 'renewal' ? asked.value : undefined
    // What was made for the wish before may not have come: the key that is to go is still that one's.
    const { keyDigest } = before ?? stored.value
    const isStrict = revokesOld || before?.revokesOld === true
    const value = trustCodec.encode({ kind: 'renewal', name, keyDigest, ...(isStrict ? { revokesOld: true } : {}) })
    const unchanged = [stored.unchanged, asked?.unchanged ?? { key, exists: false }]
    return (await store.txn(unchanged, [{ put: key, value }])).succeeded || undefined
  })
}

interface EndOfRenewal {
  /** Those that the owner keeps. */
  readonly certificates: NameRecord['certificates']
  readonly unchanged: readonly Compare[]
  readonly operations: readonly Operation[]
}

/** What is to be written when an owner shows a certificate: nothing, unless it is the first of the key that was asked for. */
export async function endOfRenewal(
  { name, certificates }: Pick<NameRecord, 'name' | 'certificates'>,
  shown: { readonly fingerprint: string; readonly keyDigest: string },
  ports: TrustPorts,
): Promise<EndOfRenewal> {
  const { keys } = ports
  const asked = await readStored(ports, keys.renewal(name), trustCodec)
  if (asked?.value.kind !== 'renewal' || asked.value.keyDigest === shown.keyDigest) {
    return { certificates, unchanged: [], operations: [] }
  }
  const kept = asked.value.revokesOld === true ? certificates.filter(isOf(shown.fingerprint)) : certificates
  const dropped = certificates.filter(each => !kept.includes(each))
  const marks = revocation({ name, isTaken: true }, dropped, keys)
  return {
    certificates: kept,
    unchanged: [asked.unchanged],
    operations: [{ delete: keys.renewal(name) }, ...marks],
  }
}

function isOf(fingerprint: string): (certificate: { readonly fingerprint: string }) => boolean {
  return each => each.fingerprint === fingerprint
}
