import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { KeyedLock } from '../../core/keyed-lock.ts'
import type { TrustRecord } from '../../core/model/trust.ts'
import { type AuthorityRecord, signingOf } from '../../manager/index.ts'
import { writeDurably } from '../../runtime/linux/files/durable-file.ts'
import { readIfThere } from '../../runtime/linux/files/read-if-there.ts'
import { signRevocationList } from '../../trust/index.ts'

export type Revoked = Extract<TrustRecord, { kind: 'revoked' }>

interface Ports {
  readonly clock: Clock
  /** The authority as it is now. */
  readonly authority: () => Promise<AuthorityRecord>
  /** Ends every connection to the store; all but those that are refused are made anew. */
  readonly hangUp: () => Promise<void>
}

/**
 * What the embedded store is told of certificates that were taken back: a list that it reads at every handshake. It knows users by
 * their names alone, and asks no more who they are once they are connected.
 */
export class StoreRevocations {
  /** DER. Must be there when the store starts. */
  readonly path: string
  /** The serials that the store's connections have been judged by. */
  readonly #appliedPath: string
  readonly #ports: Ports
  /** The store may only start once what was taken back is known already. */
  readonly #lock = new KeyedLock()

  constructor(dataRoot: string, ports: Ports) {
    this.path = join(dataRoot, 'trust', 'revoked.crl')
    this.#appliedPath = join(dataRoot, 'trust', 'revoked.json')
    this.#ports = ports
  }

  /** Without a list the store lets nobody in. */
  prepare(): Promise<void> {
    return this.#lock.run(this.path, async () => {
      if ((await readIfThere(this.path)) === undefined) await this.#write([])
    })
  }

  /** Brings the store to refuse these, and no more. May be repeated when it failed. */
  apply(revoked: readonly Revoked[]): Promise<void> {
    return this.#lock.run(this.path, () => this.#apply(revoked))
  }

  async #apply(revoked: readonly Revoked[]): Promise<void> {
    const applied = new Set(serialsOf((await readIfThere(this.#appliedPath))?.toString() ?? ''))
    const known = revoked.flatMap(({ serial, isTaken = false }) => (serial === undefined ? [] : [{ serial, isTaken }]))
    const added = known.filter(({ serial }) => !applied.has(serial))
    if (added.length === 0 && known.length === applied.size) return
    const serials = known.map(({ serial }) => serial).sort()
    await this.#write(serials)
    if (added.some(({ isTaken }) => isTaken)) await this.#ports.hangUp()
    await writeDurably(this.#appliedPath, JSON.stringify(serials))
  }

  async #write(serials: readonly string[]): Promise<void> {
    const { clock, authority } = this.#ports
    const signer = signingOf(await authority())
    await writeDurably(this.path, await signRevocationList({ authority: signer, serials, nowMs: clock.nowMs() }))
  }
}

/** None of what cannot be read: then everything counts as new, and is hung up on once more. */
function serialsOf(text: string): readonly string[] {
  try {
    const read: unknown = JSON.parse(text)
    return Array.isArray(read) ? read.filter(each => typeof each === 'string') : []
  } catch {
    return []
  }
}
