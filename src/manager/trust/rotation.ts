import { conflict, notFound } from '../../core/errors.ts'
import { retry } from '../../core/retry.ts'
import { AUTHORITY_LIFE_MS, authorityDigest, type NameRecord } from '../../trust/index.ts'
import {
  livingCertificates,
  readAuthority,
  STORE_PATIENCE,
  type TrustPorts,
  untilWritten,
  writeAuthority,
} from './ports.ts'
import { endOfRenewal } from './renewal.ts'
import { listTokens } from './tokens.ts'
import { type AuthorityRecord, listStored, nameRecordCodec, readStored } from './trust-records.ts'

/** How far the change of the authority is, and for whom it waits. */
export interface AuthorityView {
  readonly clusterId: string
  /** Digests, the one that signs first. */
  readonly authorities: readonly { readonly digest: string; readonly certificate: string; readonly signs: boolean }[]
  readonly step: Step
  readonly waitsFor: readonly string[]
}

/** steady: one authority. introducing: all are to trust the new one before it signs. renewing: all are to have a certificate of it. */
type Step = 'steady' | 'introducing' | 'renewing'

/**
 * Changes the authority while the cluster runs: first everybody learns to trust the new one beside the old, then it signs and everybody
 * renews, and at last the old one is trusted no more. Who is away holds that up; with `force` it is gone on without them. A person it
 * `awaits` holds it up too. `resume`: only goes on with one that runs, if one does. Throws 409 ROTATION_RUNS, 409 FOREIGN_STORE.
 */
export async function rotateAuthority(
  {
    force,
    awaits,
    resume = false,
  }: { readonly force: boolean; readonly awaits?: string | undefined; readonly resume?: boolean },
  ports: TrustPorts,
): Promise<AuthorityView> {
  const { value } = await readAuthority(ports)
  const isRunning = stepOf(value) !== 'steady'
  if (isRunning && (force || resume)) await goOn({ force, awaits }, ports)
  else if (!resume) await introduce(awaits, ports)
  // It is done; a store of our own is started anew for it, and away for a moment.
  return retry(() => viewAuthority(ports), STORE_PATIENCE, ports)
}

/** With `force` without those who are away, but not without who asks for it to be awaited: they would be locked out by that. */
async function goOn(
  { force, awaits }: { readonly force: boolean; readonly awaits: string | undefined },
  ports: TrustPorts,
): Promise<void> {
  await untilWritten(async () => {
    const { value: record, unchanged } = await readAuthority(ports)
    if (awaits === undefined || stepOf(record) === 'steady' || record.awaits === awaits) return true
    const { succeeded } = await ports.store.txn([unchanged], writeAuthority(ports, { ...record, awaits }))
    return succeeded || undefined
  })
  await advanceRotation(ports, { isHeldBy: ({ name }) => !force || name === awaits })
}

async function introduce(awaits: string | undefined, ports: TrustPorts): Promise<void> {
  const { store, clock, maker } = ports
  const nowMs = clock.nowMs()
  await untilWritten(async () => {
    const { value: record, unchanged } = await readAuthority(ports)
    if (record.hasForeignStore === true) {
      throw conflict(
        'FOREIGN_STORE',
        'The authority of this cluster cannot be changed: its store is run by others, and would let nobody in with certificates of another one',
        { details: { refused: true } },
      )
    }
    if (stepOf(record) !== 'steady') {
      throw conflict(
        'ROTATION_RUNS',
        'The authority is being changed already: see swarm ca show, or go on without those who are away with swarm ca rotate --force',
        { details: { refused: true } },
      )
    }
    const next = await maker.authority(record.clusterId, { fromMs: nowMs, untilMs: nowMs + AUTHORITY_LIFE_MS })
    const person = awaits === undefined ? {} : { awaits }
    const changed = { ...record, authorities: [...record.authorities, next], ...person }
    const { succeeded } = await store.txn([unchanged], writeAuthority(ports, changed))
    return succeeded || undefined
  })
}

export async function viewAuthority(ports: TrustPorts): Promise<AuthorityView> {
  const { value: record } = await readAuthority(ports)
  const members = await livingMembers(record, ports)
  return {
    clusterId: record.clusterId,
    authorities: record.authorities.map(({ certificate }) => {
      const digest = authorityDigest(certificate)
      return { digest, certificate, signs: digest === record.signing }
    }),
    step: stepOf(record),
    waitsFor: waitingFor(record, members).map(({ name }) => name),
  }
}

/** What a member says of itself: whom it trusts, while it shows the certificate with this fingerprint. */
export interface Confirmation {
  readonly name: string
  readonly fingerprint: string
  /** Of the key that this certificate is for. */
  readonly keyDigest: string
  readonly trusts: readonly string[]
}

/**
 * Notes how far a member has followed a change of the authority, which may be all that the next step waited for, and that it shows a
 * certificate of another key if that was asked of it.
 */
export async function confirm(
  { name, fingerprint, keyDigest, trusts }: Confirmation,
  ports: TrustPorts,
): Promise<void> {
  const key = ports.keys.certificateName(name)
  await untilWritten(async () => {
    const stored = await readStored(ports, key, nameRecordCodec)
    const shown = stored?.value.certificates.find(each => each.fingerprint === fingerprint)
    if (stored === undefined || shown === undefined) {
      throw notFound('NO_SUCH_CERTIFICATE', `Nobody called ${name} has this certificate`)
    }
    const renewal = await endOfRenewal(stored.value, { fingerprint, keyDigest }, ports)
    const { certificates } = renewal
    const value = nameRecordCodec.encode({ ...stored.value, certificates, trusts, shows: shown.authority })
    const { succeeded } = await ports.store.txn(
      [stored.unchanged, ...renewal.unchanged],
      [{ put: key, value }, ...renewal.operations],
    )
    return succeeded || undefined
  })
  await advanceRotation(ports)
}

interface Advance {
  /** Whether one who is not ready holds it up. */
  readonly isHeldBy?: (missing: NameRecord) => boolean
}

/** Goes on to the next step if everybody is ready for it. */
export async function advanceRotation(ports: TrustPorts, { isHeldBy = () => true }: Advance = {}): Promise<void> {
  await untilWritten(async () => {
    const { value: record, unchanged } = await readAuthority(ports)
    const step = stepOf(record)
    if (step === 'steady') return true
    if (waitingFor(record, await livingMembers(record, ports)).some(isHeldBy)) return true
    const next = nextStep(record)
    const { succeeded } = await ports.store.txn([unchanged], writeAuthority(ports, next))
    // Tokens name the authority that managers show: those of another are refused from now on, and only lie about.
    if (succeeded) await listTokens(ports)
    if (succeeded) ports.log.info({ was: step, signing: next.signing }, 'the authority is changed one step further')
    return succeeded || undefined
  })
}

function stepOf({ authorities, signing }: AuthorityRecord): Step {
  if (authorities.length === 1) return 'steady'
  return newest({ authorities }) === signing ? 'renewing' : 'introducing'
}

function nextStep(record: AuthorityRecord): AuthorityRecord {
  if (stepOf(record) === 'introducing') return { ...record, signing: newest(record) }
  const { awaits: _done, ...rest } = record
  return { ...rest, authorities: record.authorities.slice(-1) }
}

function newest({ authorities }: Pick<AuthorityRecord, 'authorities'>): string {
  return authorityDigest(authorities.at(-1)?.certificate ?? '')
}

function waitingFor(record: AuthorityRecord, members: readonly NameRecord[]): readonly NameRecord[] {
  const digest = newest(record)
  switch (stepOf(record)) {
    case 'steady':
      return []
    case 'introducing':
      return members.filter(({ trusts }) => !trusts.includes(digest))
    case 'renewing':
      return members.filter(({ shows }) => shows !== digest)
  }
}

/** Managers and nodes, and who waits for the change: other people renew theirs when they find that they have to. */
async function livingMembers({ awaits }: AuthorityRecord, ports: TrustPorts): Promise<readonly NameRecord[]> {
  const nowMs = ports.clock.nowMs()
  const names = await listStored(ports, ports.keys.certificateNames, nameRecordCodec)
  return names
    .map(({ value }) => value)
    .filter(({ role, name }) => role !== 'client' || name === awaits)
    .filter(record => livingCertificates(record, nowMs).length > 0)
}
