import type { Clock } from '../../../core/clock.ts'
import { errorMessage } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { BuiltImageRecord } from '../../../core/model/built-image.ts'
import {
  builtImageCodec,
  type CachedEntry,
  CachedPrefix,
  type ClusterKeys,
  type Operation,
  type Store,
} from '../../../discovery/index.ts'
import { familiarName } from './known-images.ts'

export interface BuiltImagesPorts {
  readonly store: Store
  readonly keys: ClusterKeys
  readonly clock: Clock
  readonly log: Log
}

/** More than anybody builds and keeps. */
const NAMES_MAX = 10_000
const OPERATIONS_PER_WRITE = 100

/** What this manager wrote and may not have read back yet. */
interface Written {
  /** Undefined: the name was forgotten. */
  readonly id: string | undefined
  /** Infinity until the store has taken it. */
  readonly revision: number
}

/**
 * Which image was made through a manager of the cluster under a name: no registry has it, and no node may say that it is another. It
 * stands in the store, so that every manager knows it, and one that starts anew.
 */
export class BuiltImages {
  readonly #ports: BuiltImagesPorts
  readonly #max: number
  readonly #cache: CachedPrefix<BuiltImageRecord>
  readonly #written = new Map<string, Written>()

  constructor(ports: BuiltImagesPorts, max = NAMES_MAX) {
    this.#ports = ports
    this.#max = max
    const { keys, ...rest } = ports
    this.#cache = new CachedPrefix({ ...rest, prefix: keys.builds, codec: builtImageCodec })
    this.#cache.onChange(() => this.#forgetWhatCameBack())
  }

  /** The names mean this image from now on. Those that were given longest ago are forgotten if there are too many. */
  add(names: readonly string[], id: string): Promise<void> {
    return this.#write(new Map(names.map(name => [fullName(name), id])))
  }

  /** The name means what a registry has from now on. */
  async forget(name: string): Promise<void> {
    if (this.idOf(name) !== undefined) await this.#write(new Map([[fullName(name), undefined]]))
  }

  idOf(name: string): string | undefined {
    const full = fullName(name)
    const written = this.#written.get(full)
    return written === undefined ? this.#cache.get(this.#ports.keys.build(full))?.value.id : written.id
  }

  /** Resolves once the store was read for the first time. */
  ready(): Promise<void> {
    return this.#cache.ready()
  }

  /** All there are, as the store has them. */
  entries(): readonly CachedEntry<BuiltImageRecord>[] {
    return [...this.#cache.entries()]
  }

  close(): void {
    this.#cache.close()
  }

  async #write(ids: ReadonlyMap<string, string | undefined>): Promise<void> {
    const { store, keys, log } = this.#ports
    for (const [name, id] of ids) this.#written.set(name, { id, revision: Number.POSITIVE_INFINITY })
    const operations = [...ids].map(
      ([name, id]): Operation =>
        id === undefined
          ? { delete: keys.build(name) }
          : { put: keys.build(name), value: builtImageCodec.encode({ name, id }) },
    )
    const all = [...operations, ...this.#excess(ids)]
    try {
      for (let start = 0; start < all.length; start += OPERATIONS_PER_WRITE) {
        const { revision } = await store.txn([], all.slice(start, start + OPERATIONS_PER_WRITE))
        for (const [name, id] of ids) this.#written.set(name, { id, revision })
      }
      this.#forgetWhatCameBack()
    } catch (error) {
      // This manager goes by it all the same, as long as it runs.
      log.warn({ names: [...ids.keys()], error: errorMessage(error) }, 'cannot note in the store what was built')
    }
  }

  #excess(ids: ReadonlyMap<string, string | undefined>): readonly Operation[] {
    const others = this.entries().filter(({ value }) => !ids.has(value.name))
    const added = [...ids.values()].filter(id => id !== undefined).length
    const oldest = others.toSorted((a, b) => a.modRevision - b.modRevision)
    return oldest.slice(0, Math.max(0, others.length + added - this.#max)).map(({ key }) => ({ delete: key }))
  }

  #forgetWhatCameBack(): void {
    for (const [name, { revision }] of this.#written) if (revision <= this.#cache.revision) this.#written.delete(name)
  }
}

function fullName(name: string): string {
  return familiarName(name) ?? name
}
