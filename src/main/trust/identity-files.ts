import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage, failed } from '../../core/errors.ts'
import { syncDirectory, writeDurably } from '../../runtime/linux/files/durable-file.ts'
import { readIfThere } from '../../runtime/linux/files/read-if-there.ts'
import { type Credentials, isKeyOf, readCertificate } from '../../trust/index.ts'

/** What a member has to remember of its cluster beside its credentials. */
export interface Membership {
  /** Where the cluster stands in the store. */
  readonly cluster: string
  readonly storeEndpoints: readonly string[]
  readonly managers: readonly string[]
  /** Digest of the authority that the join token named; absent on the host that made it. */
  readonly joinedWith?: string
  /** Digest of the authority that signed the certificate. */
  readonly signing: string
  /** What the managers were told: whom this member trusts, and with which certificate it said so. */
  readonly told?: string
}

export interface StoredIdentity {
  readonly credentials: Credentials
  readonly membership: Membership
}

/** Files of an identity; etcd reads the first three itself, anew for each connection. */
export interface IdentityPaths {
  readonly certificate: string
  readonly key: string
  /** A key that a certificate was asked for, and that is taken into use with it. */
  readonly nextKey: string
  readonly authorities: string
  readonly membership: string
}

export function identityPaths(directory: string): IdentityPaths {
  return {
    certificate: join(directory, 'cert.pem'),
    key: join(directory, 'key.pem'),
    nextKey: join(directory, 'key.next.pem'),
    authorities: join(directory, 'ca.pem'),
    membership: join(directory, 'identity.json'),
  }
}

/** The private key of a member: made once, before anything is asked for, so that a lost answer can be asked for again. */
export async function readKey(directory: string): Promise<string | undefined> {
  return readText(identityPaths(directory).key)
}

/** PEM texts of those who are trusted; undefined: there is no such file. */
export async function readAuthorities(directory: string): Promise<string | undefined> {
  return readText(identityPaths(directory).authorities)
}

export async function writeKey(directory: string, key: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await chmod(directory, 0o700)
  await writeDurably(identityPaths(directory).key, key)
}

/** The key that is to replace the one in use; undefined: none was made. */
export async function readNextKey(directory: string): Promise<string | undefined> {
  return readText(identityPaths(directory).nextKey)
}

/** Kept before anything is asked for it, as the first one is. */
export async function writeNextKey(directory: string, key: string): Promise<void> {
  await writeDurably(identityPaths(directory).nextKey, key)
}

/** Undefined if there is none, or it was never finished. Throws BAD_IDENTITY if it cannot be used. */
export async function readIdentity(directory: string): Promise<StoredIdentity | undefined> {
  const text = await readText(identityPaths(directory).membership)
  const credentials = await readCredentials(directory)
  if (credentials === undefined || text === undefined) return undefined
  try {
    return { credentials, membership: JSON.parse(text) as Membership }
  } catch (cause) {
    throw broken(directory, cause)
  }
}

/**
 * The certificate of a directory, its key and its authorities; undefined if one of them is not there. Whoever was to take another key into
 * use may have died over it: that is done now. Throws BAD_IDENTITY.
 */
export async function readCredentials(directory: string): Promise<Credentials | undefined> {
  const paths = identityPaths(directory)
  const [certificate, key, authorities] = await Promise.all(
    [paths.certificate, paths.key, paths.authorities].map(readText),
  )
  if (certificate === undefined || key === undefined || authorities === undefined) return undefined
  try {
    const { subject } = readCertificate(certificate)
    if (subject === undefined) throw new Error('it is not of a cluster')
    const kept = isKeyOf(certificate, key) ? key : await takeNextKey(directory, certificate)
    return { subject, certificate, key: kept ?? key, authorities }
  } catch (cause) {
    throw broken(directory, cause)
  }
}

function broken(directory: string, cause: unknown): Error {
  return failed(
    'BAD_IDENTITY',
    `Cannot use the certificate in ${directory} (${errorMessage(cause)}): remove the directory and join again with a token`,
    { cause },
  )
}

/** Undefined: there is no other key, or it is not that of this certificate either. */
async function takeNextKey(directory: string, certificate: string): Promise<string | undefined> {
  const { key, nextKey } = identityPaths(directory)
  const next = await readText(nextKey)
  if (next === undefined || !isKeyOf(certificate, next)) return undefined
  await rename(nextKey, key)
  await syncDirectory(directory)
  return next
}

/** The key must be there already, or be the next one, which is taken into use. The membership comes last: without it there is no identity. */
export async function writeIdentity(directory: string, { credentials, membership }: StoredIdentity): Promise<void> {
  await writeCredentials(directory, credentials)
  await writeDurably(identityPaths(directory).membership, JSON.stringify(membership))
}

export async function writeCredentials(directory: string, { authorities, certificate }: Credentials): Promise<void> {
  const paths = identityPaths(directory)
  await writeDurably(paths.authorities, authorities)
  await writeDurably(paths.certificate, certificate)
  await takeNextKey(directory, certificate)
}

export async function forgetIdentity(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true })
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readIfThere(path))?.toString()
  } catch (error) {
    throw failed('BAD_IDENTITY', `Cannot read ${path}: ${errorMessage(error)}`, { cause: error })
  }
}
