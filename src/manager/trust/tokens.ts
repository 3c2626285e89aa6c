import { notFound } from '../../core/errors.ts'
import { newJoinToken, type Role, type TokenRecord } from '../../trust/index.ts'
import { readAuthority, type TrustPorts } from './ports.ts'
import { listStored, readStored, tokenCodec } from './trust-records.ts'

export type TokenView = Omit<TokenRecord, 'secretHash'>

export interface TokenWish {
  readonly role: Role
  readonly lifeMs: number
  readonly once: boolean
}

/** A token, as nobody will ever see it again: only what knows it again is kept. */
export async function createToken(wish: TokenWish, ports: TrustPorts): Promise<{ readonly token: string }> {
  const { value } = await readAuthority(ports)
  const { clock, random, store, keys } = ports
  const { text, record } = newJoinToken({ ...wish, authority: value.signing }, { random, nowMs: clock.nowMs() })
  await store.txn([], [{ put: keys.joinToken(record.id), value: tokenCodec.encode(record) }])
  return { token: text }
}

/** Those that can still be used; others are forgotten. */
export async function listTokens(ports: TrustPorts): Promise<readonly TokenView[]> {
  const { store, keys, clock } = ports
  const {
    value: { signing },
  } = await readAuthority(ports)
  const tokens = await listStored(ports, keys.joinTokens, tokenCodec)
  const nowMs = clock.nowMs()
  const isOver = ({ expiresMs, authority }: TokenRecord): boolean => expiresMs <= nowMs || authority !== signing
  for (const { value, unchanged } of tokens) {
    if (isOver(value)) await store.txn([unchanged], [{ delete: keys.joinToken(value.id) }])
  }
  return tokens
    .map(({ value }) => value)
    .filter(token => !isOver(token))
    .map(({ secretHash: _secret, ...shown }) => shown)
}

/** Throws 404 NO_SUCH_TOKEN. */
export async function removeToken(id: string, ports: TrustPorts): Promise<void> {
  const key = ports.keys.joinToken(id)
  const stored = await readStored(ports, key, tokenCodec)
  if (stored === undefined) throw notFound('NO_SUCH_TOKEN', `No such join token: ${id}`)
  await ports.store.txn([], [{ delete: key }])
}

/** Ends every token of a role, and makes one instead. */
export async function rotateTokens(wish: TokenWish, ports: TrustPorts): Promise<{ readonly token: string }> {
  for (const { id, role } of await listTokens(ports)) {
    if (role === wish.role) await ports.store.txn([], [{ delete: ports.keys.joinToken(id) }])
  }
  return createToken(wish, ports)
}
