import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KeyedLock } from '../../../core/keyed-lock.ts'
import type { ImageStore, LayerRef } from '../../images/index.ts'

const ENTRIES_MAX = 5_000

/** What a step made the last time: a layer, or nothing. */
export interface CachedStep {
  readonly layer?: LayerRef
  readonly madeMs: number
}

export interface KnownStep extends CachedStep {
  readonly key: string
}

/**
 * Results of build steps by key. An entry counts only while its layer is in the store. Kept in memory and written at the
 * end of each build, not durably: what a crash loses is only made again.
 */
export class BuildCache {
  readonly #path: string
  readonly #store: Pick<ImageStore, 'findLayer'>
  readonly #lock = new KeyedLock()
  #entries: Map<string, CachedStep> | undefined
  #isChanged = false

  constructor(path: string, store: Pick<ImageStore, 'findLayer'>) {
    this.#path = path
    this.#store = store
  }

  async get(key: string): Promise<CachedStep | undefined> {
    const step = (await this.#load()).get(key)
    if (step?.layer === undefined) return step
    return this.#store.findLayer(step.layer.diffId) === undefined ? undefined : step
  }

  async put(key: string, step: CachedStep): Promise<void> {
    const entries = await this.#load()
    entries.delete(key)
    entries.set(key, step)
    for (const old of [...entries.keys()].slice(0, Math.max(0, entries.size - ENTRIES_MAX))) entries.delete(old)
    this.#isChanged = true
  }

  /** Forgets the steps that are chosen out of all, the oldest first; resolves with them. */
  async remove(choose: (steps: readonly KnownStep[]) => readonly KnownStep[]): Promise<readonly KnownStep[]> {
    const entries = await this.#load()
    const chosen = choose([...entries].map(([key, step]) => ({ key, ...step })))
    for (const { key } of chosen) entries.delete(key)
    this.#isChanged ||= chosen.length > 0
    await this.save()
    return chosen
  }

  async save(): Promise<void> {
    await this.#lock.run('write', async () => {
      if (!this.#isChanged) return
      this.#isChanged = false
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
      await writeFile(this.#draft, JSON.stringify(Object.fromEntries(this.#entries ?? [])), { mode: 0o600 })
      await rename(this.#draft, this.#path)
    })
  }

  /** Removes what a crash in the middle of `save` left. */
  async sweep(): Promise<void> {
    await this.#lock.run('write', () => rm(this.#draft, { force: true }))
  }

  get #draft(): string {
    return `${this.#path}.new`
  }

  async #load(): Promise<Map<string, CachedStep>> {
    if (this.#entries !== undefined) return this.#entries
    // A cache that is missing or damaged is an empty one.
    const text = await readFile(this.#path, 'utf8').catch(() => '{}')
    const loaded = new Map(Object.entries(parsed(text)))
    this.#entries ??= loaded
    return this.#entries
  }
}

function parsed(text: string): Readonly<Record<string, CachedStep>> {
  try {
    return JSON.parse(text) as Record<string, CachedStep>
  } catch {
    return {}
  }
}
