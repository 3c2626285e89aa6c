import type { TrustRecord } from '../../core/model/trust.ts'
import { retry } from '../../core/retry.ts'
import { trustCodec } from '../../discovery/index.ts'
import { STORE_PATIENCE, type TrustPorts, untilWritten } from './ports.ts'
import { readStored, type TrustStore } from './trust-records.ts'

export type ManagerPlace = Extract<TrustRecord, { kind: 'manager' }>

interface Told {
  readonly name: string
  readonly address: string
  /** Its part in the store; absent: as it was told before. */
  readonly member?: { readonly peer: string; readonly endpoint: string | undefined }
}

/** Says where a manager is, for all members and their next start. */
export async function publishPlace({ name, address, member }: Told, ports: TrustStore): Promise<void> {
  const key = ports.keys.managerPlace(name)
  await untilWritten(async () => {
    const stored = await readStored(ports, key, trustCodec)
    const before = stored?.value.kind === 'manager' ? stored.value : undefined
    const { storePeer, store } =
      member === undefined
        ? { storePeer: before?.storePeer, store: before?.store }
        : { storePeer: member.peer, store: member.endpoint }
    const place: ManagerPlace = {
      kind: 'manager',
      name,
      address,
      ...(storePeer === undefined ? {} : { storePeer }),
      ...(store === undefined ? {} : { store }),
    }
    const value = trustCodec.encode(place)
    if (stored !== undefined && trustCodec.encode(stored.value) === value) return true
    const { succeeded } = await ports.store.txn([stored?.unchanged ?? { key, exists: false }], [{ put: key, value }])
    return succeeded || undefined
  })
}

/**
 * Takes the copy of the store out that a manager keeps, before its certificate goes: what the store refuses, because too few would be left
 * that answer, is thrown while nothing has been done.
 */
export async function takeOutCopy(name: string, ports: TrustPorts): Promise<void> {
  const { copies } = ports
  const stored = await readStored(ports, ports.keys.managerPlace(name), trustCodec)
  const place = stored?.value.kind === 'manager' ? stored.value : undefined
  const peer = place?.storePeer
  // The one that was asked may be the one that goes, which then answers nothing.
  if (peer !== undefined && copies !== undefined) await retry(() => copies.remove(peer), STORE_PATIENCE, ports)
}
