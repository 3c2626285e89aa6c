import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KeyedLock } from '../../core/keyed-lock.ts'
import type { ImageStore, LayerRef } from '../images/index.ts'
import { writeDurably } from '../linux/durable-file.ts'

const ENTRIES_MAX = 5_000

/** What a step made the last time: a layer, or nothing. */
export interface CachedStep {
  readonly layer?: LayerRef
  readonly madeMs: number
}

/** Results of build steps by key. An entry counts only while its layer is in the store. */
export class BuildCache {
  readonly #path: string
  readonly #store: Pick<ImageStore, 'findLayer'>
  readonly #lock = new KeyedLock()
  #entries: Map<string, CachedStep> | undefined

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
    await this.#lock.run('write', async () => {
      const entries = await this.#load()
      entries.delete(key)
      entries.set(key, step)
      for (const old of [...entries.keys()].slice(0, Math.max(0, entries.size - ENTRIES_MAX))) entries.delete(old)
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
      await writeDurably(this.#path, JSON.stringify(Object.fromEntries(entries)))
    })
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
