import { type Clock, sleep } from '../../core/clock.ts'
import { errorMessage, isTransient } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { TrustRecord } from '../../core/model/trust.ts'
import type { Random } from '../../core/random.ts'
import { CachedPrefix, type ClusterKeys, type Store, trustCodec } from '../../discovery/index.ts'
import type { Issued } from '../../manager/index.ts'
import {
  authorityDigest,
  type CertificateMaker,
  type LiveIdentity,
  readCertificate,
  renewAtMs,
  splitPem,
} from '../../trust/index.ts'
import { type Membership, readNextKey, writeIdentity, writeNextKey } from './identity-files.ts'
import type { Places } from './places.ts'

export interface KeepPorts {
  readonly store: Store
  readonly keys: ClusterKeys
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly maker: CertificateMaker
  readonly identity: LiveIdentity
  /** Where its files are. */
  readonly directory: string
  readonly membership: Membership
  /** Kept in step with what managers say of themselves. */
  readonly places: Places
  /** Asks for the next certificate. */
  readonly renew: (csr: string) => Promise<Issued>
  /** Tells managers which authorities are trusted, digests, by whoever shows the present certificate. */
  readonly confirm: (trusts: readonly string[]) => Promise<void>
  /** Called when other authorities are trusted, before the managers hear of it. */
  readonly trustsChanged?: () => Promise<void>
  /** Called with all that are revoked when that may have changed, and the revision of the store that the last has; and first of all. */
  readonly revokedChanged?: (revoked: readonly Revoked[], revision: number) => Promise<void>
}

type Revoked = Extract<TrustRecord, { kind: 'revoked' }>

/** Managers and their store are away for moments, while they trust another authority. */
const RETRY_MS = 3_000
/** Hosts that were set up together do not renew together: each waits up to this part of what is left, drawn once a certificate. */
const SPREAD = 0.1

/**
 * Keeps the credentials of a member good: follows which authorities are trusted and which certificates are not, and renews its own
 * in time, or when another authority signs.
 */
export class IdentityKeeper {
  readonly #ports: KeepPorts
  readonly #cache: CachedPrefix<TrustRecord>
  #membership: Membership
  /** Whom we trust has changed, and what depends on that has not followed yet. */
  #isApplied = true
  /** What was not yet told of. */
  #revoked: { readonly all: readonly Revoked[]; readonly revision: number } | undefined
  #renewal: { readonly certificate: string; readonly atMs: number } | undefined
  #wake = Promise.withResolvers<void>()

  constructor(ports: KeepPorts) {
    this.#ports = ports
    this.#membership = ports.membership
    const { store, keys, clock, log } = ports
    this.#cache = new CachedPrefix({ store, prefix: keys.publicTrust, codec: trustCodec, clock, log })
    this.#cache.onChange(() => this.#follow())
  }

  close(): void {
    this.#cache.close()
  }

  /** Until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>()
      // One after the other, but neither is kept from its work by the other's failure.
      const isToldOf = await this.#succeeds(() => this.#applyRevoked())
      const isInStep = await this.#succeeds(() => this.#keepInStep())
      await this.#pause(isToldOf && isInStep ? this.#untilRenewalMs() : RETRY_MS, signal)
    }
  }

  async #succeeds(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      const left = readCertificate(this.#ports.identity.credentials.certificate).notAfterMs
      const fields = { error: errorMessage(error), expiresAt: new Date(left).toISOString() }
      if (isTransient(error)) this.#ports.log.warn(fields, 'cannot keep the certificate in step yet, will try again')
      else this.#ports.log.error(fields, 'cannot keep the certificate in step, will try again')
      return false
    }
  }

  async #keepInStep(): Promise<void> {
    await this.#rememberPlaces()
    await this.#applyAuthorities()
    if (this.#mustRenew()) await this.#renew()
    await this.#confirm()
  }

  #follow(): void {
    this.#ports.places.follow(this.#cache.values())
    const all: Revoked[] = []
    let revision = 0
    for (const { value, modRevision } of this.#cache.entries()) {
      if (value.kind !== 'revoked') continue
      all.push(value)
      revision = Math.max(revision, modRevision)
    }
    this.#ports.identity.setRevoked(new Set(all.map(({ fingerprint }) => fingerprint)))
    this.#revoked = { all, revision }
    this.#wake.resolve()
  }

  /** For the next start, when those may be gone who are known now. */
  async #rememberPlaces(): Promise<void> {
    const { places, directory, identity } = this.#ports
    const { managers, storeEndpoints } = places
    const known = this.#membership
    if (isSame(known.managers, managers) && isSame(known.storeEndpoints, storeEndpoints)) return
    this.#membership = { ...known, managers, storeEndpoints }
    await writeIdentity(directory, { credentials: identity.credentials, membership: this.#membership })
  }

  /** What the store says; undefined while it was not read. */
  #wanted(): Extract<TrustRecord, { kind: 'authorities' }> | undefined {
    const record = this.#cache.get(this.#ports.keys.trustedAuthorities)?.value
    return record?.kind === 'authorities' ? record : undefined
  }

  async #applyRevoked(): Promise<void> {
    const revoked = this.#revoked
    if (revoked === undefined) return
    await this.#ports.revokedChanged?.(revoked.all, revoked.revision)
    if (this.#revoked === revoked) this.#revoked = undefined
  }

  async #applyAuthorities(): Promise<void> {
    const { identity, trustsChanged } = this.#ports
    const wanted = this.#wanted()
    if (wanted !== undefined && wanted.certificates !== identity.credentials.authorities) {
      const credentials = { ...identity.credentials, authorities: wanted.certificates }
      await writeIdentity(this.#ports.directory, { credentials, membership: this.#membership })
      identity.replace(credentials)
      this.#isApplied = false
    }
    if (this.#isApplied) return
    await trustsChanged?.()
    this.#isApplied = true
    this.#ports.log.info({ authorities: digestsOf(identity.credentials.authorities) }, 'trusts other authorities now')
  }

  #mustRenew(): boolean {
    const wanted = this.#wanted()
    if (wanted !== undefined && wanted.signing !== this.#membership.signing) return true
    return this.#untilRenewalMs() === 0 || this.#isToChangeKey()
  }

  /** Somebody asked for it, and we have the key still that is to go. */
  #isToChangeKey(): boolean {
    const { keys, identity } = this.#ports
    const { subject, certificate } = identity.credentials
    const asked = this.#cache.get(keys.renewal(subject.name))?.value
    return asked?.kind === 'renewal' && asked.keyDigest === readCertificate(certificate).keyDigest
  }

  async #renew(): Promise<void> {
    const { identity, maker, renew, log, directory, places } = this.#ports
    const { subject, certificate, key, authorities } = identity.credentials
    const hosts = readCertificate(certificate).hosts.filter(host => host !== subject.name)
    const isOther = this.#isToChangeKey()
    const kept = isOther ? await readNextKey(directory) : key
    const made = await maker.request({ ...subject, hosts, ...(kept === undefined ? {} : { key: kept }) })
    if (kept === undefined) await writeNextKey(directory, made.key)
    const issued = await renew(made.csr)
    // Whom to trust comes from the store alone: what depends on that is told of it.
    const credentials = { subject, certificate: issued.certificate, key: made.key, authorities }
    places.hear(issued)
    const { managers, storeEndpoints } = places
    this.#membership = { ...this.#membership, ...membershipOf(issued), managers, storeEndpoints }
    await writeIdentity(directory, { credentials, membership: this.#membership })
    identity.replace(credentials)
    log.info({ expiresAt: issued.expiresAt, anotherKey: isOther }, 'renewed the certificate')
  }

  /** Only what was told counts when the authority is changed: an answer that got lost leaves us with what we had. */
  async #confirm(): Promise<void> {
    const { identity, confirm, directory } = this.#ports
    const { credentials } = identity
    const trusts = digestsOf(credentials.authorities)
    const told = [readCertificate(credentials.certificate).fingerprint, ...trusts].join(' ')
    if (this.#membership.told === told) return
    await confirm(trusts)
    this.#membership = { ...this.#membership, told }
    await writeIdentity(directory, { credentials, membership: this.#membership })
  }

  #untilRenewalMs(): number {
    const { clock, random, identity } = this.#ports
    const { certificate } = identity.credentials
    if (this.#renewal?.certificate !== certificate) {
      const facts = readCertificate(certificate)
      const spreadMs = random.next() * SPREAD * (facts.notAfterMs - renewAtMs(facts))
      this.#renewal = { certificate, atMs: renewAtMs(facts) + spreadMs }
    }
    return Math.max(0, this.#renewal.atMs - clock.nowMs())
  }

  /** A host may sleep, and its clock be set: it is looked again in between. */
  async #pause(waitMs: number, signal: AbortSignal): Promise<void> {
    const ended = new AbortController()
    const end = AbortSignal.any([signal, ended.signal])
    await Promise.race([sleep(this.#ports.clock, Math.min(waitMs, LOOK_MS), end).catch(() => {}), this.#wake.promise])
    ended.abort()
  }
}

const LOOK_MS = 3_600_000

export function membershipOf({ cluster, storeEndpoints, managers, signing }: Issued): Membership {
  return { cluster, storeEndpoints, managers, signing }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index])
}

function digestsOf(authorities: string): readonly string[] {
  return splitPem(authorities).map(authorityDigest)
}
