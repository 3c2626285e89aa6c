import { timingSafeEqual } from 'node:crypto'
import { invalidInput, ShoalError } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import { sha256 } from './certificate.ts'
import { isRole, type Role } from './subject.ts'

/** `SHOAL-1-<role>-<digest of the authority>-<secret>`: whom to trust, and why to be trusted, in one line. */
export interface JoinToken {
  readonly role: Role
  /** SHA-256 of the authority's certificate. */
  readonly authority: string
  readonly secret: string
}

/** What is kept of a token: enough to know it again, and nothing to make it from. */
export interface TokenRecord {
  readonly id: string
  readonly role: Role
  /** SHA-256 of the secret, which is as long as the hash: there is nothing to try. */
  readonly secretHash: string
  readonly authority: string
  readonly createdMs: number
  readonly expiresMs: number
  readonly once: boolean
  /** Digest of the key that it was used for; the same key may ask again, as after a lost answer. */
  readonly usedBy?: string
}

const FORM = /^SHOAL-1-([a-z]+)-([0-9a-f]{64})-([0-9a-f]{64})$/
const SECRET_BYTES = 32
const ID_LENGTH = 12

/** Throws 400 BAD_TOKEN. */
export function parseJoinToken(text: string): JoinToken {
  const [, role, authority = '', secret = ''] = FORM.exec(text.trim()) ?? []
  if (isRole(role)) return { role, authority, secret }
  throw invalidInput(
    'BAD_TOKEN',
    'Cannot read the join token: expected SHOAL-1-<role>-<64 digits>-<64 digits>, as swarm token create prints it',
  )
}

export interface NewToken {
  readonly role: Role
  readonly authority: string
  readonly lifeMs: number
  readonly once: boolean
}

/** A new token, and what is to be kept of it. */
export function newJoinToken(
  { role, authority, lifeMs, once }: NewToken,
  { random, nowMs }: { readonly random: Random; readonly nowMs: number },
): { readonly text: string; readonly record: TokenRecord } {
  const secret = random.bytes(SECRET_BYTES).toString('hex')
  const record = { role, authority, createdMs: nowMs, expiresMs: nowMs + lifeMs, once }
  return {
    text: `SHOAL-1-${role}-${authority}-${secret}`,
    record: { id: tokenId(secret), secretHash: sha256(secret), ...record },
  }
}

/** By what a token is found again without comparing secrets one by one. */
export function tokenId(secret: string): string {
  return sha256(`id ${secret}`).slice(0, ID_LENGTH)
}

/**
 * The record, if it is of this token and that can still be used. Throws 403 BAD_TOKEN. How long it takes tells nothing of a record:
 * without one something else is compared.
 */
export function checkToken<T extends TokenRecord>(token: JoinToken, record: T | undefined, nowMs: number): T {
  const given = Buffer.from(sha256(token.secret), 'hex')
  const kept = Buffer.from(record?.secretHash ?? sha256(''), 'hex')
  const isSame = given.length === kept.length && timingSafeEqual(given, kept)
  if (record === undefined || !isSame || record.role !== token.role || record.authority !== token.authority) {
    throw refused('it is not known: it was revoked, replaced, or never made here')
  }
  if (nowMs >= record.expiresMs) throw refused(`it expired at ${new Date(record.expiresMs).toISOString()}`)
  return record
}

/** Throws 403 BAD_TOKEN if it names an authority that managers do not show any more. */
export function checkCurrent({ authority }: TokenRecord, signing: string): void {
  if (authority !== signing) throw refused('it is of before the authority was changed')
}

/** Throws 403 BAD_TOKEN if it was for one use, and another key had that. */
export function checkUnused({ once, usedBy }: TokenRecord, keyDigest: string): void {
  if (once && usedBy !== undefined && usedBy !== keyDigest) throw refused('it was for one use, and has been used')
}

function refused(why: string): Error {
  return new ShoalError('BAD_TOKEN', 403, `The join token is refused: ${why}. Make one with swarm token create`)
}
