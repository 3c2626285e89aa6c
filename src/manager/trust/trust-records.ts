import {
  type ClusterKeys,
  type Codec,
  type Compare,
  jsonCodec,
  type KeyValue,
  type Store,
} from '../../discovery/index.ts'
import type { KeyPair, NameRecord, TokenRecord } from '../../trust/index.ts'

/** The authority with its keys. While it is changed there are two; the last one made is to be the only one. */
export interface AuthorityRecord {
  readonly clusterId: string
  readonly authorities: readonly KeyPair[]
  /** Digest of the one that signs. */
  readonly signing: string
  /** How long certificates of members are valid. */
  readonly certificateLifeMs: number
  /** True: others run the store, and tell it whom to trust. */
  readonly hasForeignStore?: boolean
  /** The person whose command waits for the change, and who goes on with a certificate of the new one. */
  readonly awaits?: string
}

export const authorityCodec: Codec<AuthorityRecord> = jsonCodec<AuthorityRecord>('authority', {
  clusterId: 'string',
  authorities: 'array',
  signing: 'string',
  certificateLifeMs: 'number',
})

export const nameRecordCodec: Codec<NameRecord> = jsonCodec<NameRecord>('owner of a certificate', {
  name: 'string',
  role: 'string',
  hosts: 'array',
  keyDigest: 'string',
  certificates: 'array',
  trusts: 'array',
  shows: 'string',
})

export const tokenCodec: Codec<TokenRecord> = jsonCodec<TokenRecord>('join token', {
  id: 'string',
  role: 'string',
  secretHash: 'string',
  authority: 'string',
  expiresMs: 'number',
  once: 'boolean',
})

/** A manager that has acted on all that was taken back up to a revision of the store. */
export interface ActedRecord {
  readonly name: string
  readonly revision: number
}

export const actedCodec: Codec<ActedRecord> = jsonCodec<ActedRecord>('note of a manager', {
  name: 'string',
  revision: 'number',
})

export interface TrustStore {
  readonly store: Store
  readonly keys: ClusterKeys
}

/** A record with what has to hold in the store for it to be replaced. */
export interface Stored<T> {
  readonly value: T
  readonly unchanged: Compare
  /** Revision of the store at which it was written. */
  readonly revision: number
}

/** Undefined if there is none. */
export async function readStored<T>(
  { store }: TrustStore,
  key: string,
  codec: Codec<T>,
): Promise<Stored<T> | undefined> {
  const kv = await store.get(key)
  return kv === undefined ? undefined : storedOf(kv, codec)
}

export async function listStored<T>(
  { store }: TrustStore,
  prefix: string,
  codec: Codec<T>,
): Promise<readonly Stored<T>[]> {
  const { items } = await store.list(prefix)
  return items.map(kv => storedOf(kv, codec))
}

function storedOf<T>(kv: KeyValue, codec: Codec<T>): Stored<T> {
  const { key, modRevision } = kv
  return { value: codec.decode(kv.value), unchanged: { key, modRevision }, revision: modRevision }
}
