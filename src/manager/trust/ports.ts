import type { Clock } from '../../core/clock.ts'
import { failed, notFound, unavailable } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { TrustRecord } from '../../core/model/trust.ts'
import type { Random } from '../../core/random.ts'
import { backoff } from '../../core/retry.ts'
import { type Operation, trustCodec } from '../../discovery/index.ts'
import { authorityDigest, type CertificateMaker, type KeyPair, type NameRecord, type Role } from '../../trust/index.ts'
import { type AuthorityRecord, authorityCodec, readStored, type Stored, type TrustStore } from './trust-records.ts'

/** Who may use the store, where it has users of its own. */
export interface StoreUsers {
  /** Makes a user who may do what the role needs; one that is there is left alone. */
  readonly ensure: (name: string, role: Role) => Promise<void>
  readonly remove: (name: string) => Promise<void>
}

/** The copies of the store beside managers. */
export interface StoreCopies {
  /** Takes the one out that the others reach there; none: does nothing. Throws what keeps the store from going on without it. */
  readonly remove: (peer: string) => Promise<void>
}

export interface TrustPorts extends TrustStore {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly maker: CertificateMaker
  /** Absent: the store has none. */
  readonly users?: StoreUsers
  /** Absent: others run the store. */
  readonly copies?: StoreCopies
  /** Where members find the store, and managers, as they see them. */
  readonly storeEndpoints: () => readonly string[]
  readonly managers: () => readonly string[]
  /** Name of the cluster in the store. */
  readonly cluster: string
}

/** Throws 404 NO_AUTHORITY if the cluster was made without one. */
export async function readAuthority(ports: TrustStore): Promise<Stored<AuthorityRecord>> {
  const stored = await readStored(ports, ports.keys.authority, authorityCodec)
  if (stored !== undefined) return stored
  throw notFound(
    'NO_AUTHORITY',
    'This cluster has no certificates of its own: it was made without swarm create --trust',
  )
}

/** The authority that signs. */
export function signingOf({ authorities, signing }: AuthorityRecord): KeyPair {
  const found = authorities.find(({ certificate }) => authorityDigest(certificate) === signing)
  if (found === undefined)
    throw failed('BAD_RECORD', 'The authority that should sign is not in the store: restore a backup')
  return found
}

/** How an authority is written: with its keys for managers, and without for everybody. */
export function writeAuthority({ keys }: TrustStore, record: AuthorityRecord): readonly Operation[] {
  const open: TrustRecord = {
    kind: 'authorities',
    certificates: record.authorities.map(({ certificate }) => certificate).join(''),
    signing: record.signing,
  }
  return [
    { put: keys.authority, value: authorityCodec.encode(record) },
    { put: keys.trustedAuthorities, value: trustCodec.encode(open) },
  ]
}

/** While a store of our own is started anew. */
export const STORE_PATIENCE = { triesMax: 12, waitMs: backoff(100, 2_000) }

const TRIES = 6

/** Repeats work whose transaction found something else in the store than it had read. */
export async function untilWritten<T>(work: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const result = await work()
    if (result !== undefined) return result
  }
  throw unavailable('STORE_BUSY', 'Others change the certificates of this cluster at the same time: try again')
}

/** Certificates of a name that somebody could still show. */
export function livingCertificates({ certificates }: NameRecord, nowMs: number): NameRecord['certificates'] {
  return certificates.filter(({ notAfterMs }) => notAfterMs > nowMs)
}
