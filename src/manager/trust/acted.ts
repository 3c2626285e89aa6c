import type { Clock } from '../../core/clock.ts'
import { backoff, retry } from '../../core/retry.ts'
import { trustCodec } from '../../discovery/index.ts'
import { livingCertificates, readAuthority } from './ports.ts'
import { type ActedRecord, actedCodec, listStored, nameRecordCodec, type TrustStore } from './trust-records.ts'

/** Who has not acted yet on all that was taken back. */
export interface RevocationsView {
  /** Managers, one of which may keep the store: until they act, what is open there with such a certificate stays open. */
  readonly waitsFor: readonly string[]
  /** True: others run the store, which is told of users that are gone, and of no certificates. */
  readonly hasForeignStore: boolean
}

type Ports = TrustStore & { readonly clock: Clock }

/** The store may have hung up on the manager, too, that had it do so. */
const PATIENCE = { triesMax: 4, waitMs: backoff(100, 800) }

/** A manager says how far it has acted. */
export async function noteActed(acted: ActedRecord, ports: Ports): Promise<void> {
  const { store, keys } = ports
  const note = { put: keys.revocationActed(acted.name), value: actedCodec.encode(acted) }
  await retry(() => store.txn([], [note]), PATIENCE, ports)
}

/** A manager that is gone for good counts until its certificate is taken back as well, or runs out: nobody can tell. */
export async function viewRevocations(ports: Ports): Promise<RevocationsView> {
  const { keys, clock } = ports
  const nowMs = clock.nowMs()
  const { value: authority } = await readAuthority(ports)
  const [trust, names, notes] = await Promise.all([
    listStored(ports, keys.publicTrust, trustCodec),
    listStored(ports, keys.certificateNames, nameRecordCodec),
    listStored(ports, keys.revocationsActed, actedCodec),
  ])
  const last = Math.max(0, ...trust.map(({ value, revision }) => (value.kind === 'revoked' ? revision : 0)))
  const acted = new Map(notes.map(({ value: { name, revision } }) => [name, revision]))
  const waitsFor = names
    .map(({ value }) => value)
    .filter(owner => owner.role === 'manager' && livingCertificates(owner, nowMs).length > 0)
    .flatMap(({ name }) => ((acted.get(name) ?? 0) < last ? [name] : []))
  return { waitsFor, hasForeignStore: authority.hasForeignStore === true }
}
