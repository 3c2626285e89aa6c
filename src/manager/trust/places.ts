import type { TrustRecord } from '../../core/model/trust.ts'
import { trustCodec } from '../../discovery/index.ts'
import { type TrustPorts, untilWritten } from './ports.ts'
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
export async function takeOutCopy(name: string, { copies, ...ports }: TrustPorts): Promise<void> {
  const stored = await readStored(ports, ports.keys.managerPlace(name), trustCodec)
  const place = stored?.value.kind === 'manager' ? stored.value : undefined
  if (place?.storePeer !== undefined) await copies?.remove(place.storePeer)
}
