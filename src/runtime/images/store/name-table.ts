import type { Clock } from '../../../core/clock.ts'
import { errorMessage, failed } from '../../../core/errors.ts'
import { KeyedLock } from '../../../core/keyed-lock.ts'
import { readIfThere } from '../../linux/files/read-if-there.ts'
import { replaceFile } from './files.ts'

interface NameEntry {
  readonly id: string
  /** When the name was last given, also if it was given to the same image again. */
  readonly givenAtMs: number
}

export interface NameChanges {
  readonly set: (name: string, id: string) => void
  readonly delete: (name: string) => void
}

/** Full names, with a tag or with a digest, and the images they point at; every change is on the disk before it is seen. */
export class NameTable {
  readonly #path: string
  readonly #clock: Clock
  readonly #lock = new KeyedLock()
  #entries: ReadonlyMap<string, NameEntry>

  private constructor(path: string, clock: Clock, entries: ReadonlyMap<string, NameEntry>) {
    this.#path = path
    this.#clock = clock
    this.#entries = entries
  }

  /** Reads the file; names of images that are not `known` are left out. Throws BAD_RECORD. */
  static async open(path: string, clock: Clock, known: (id: string) => boolean): Promise<NameTable> {
    const entries = await readEntries(path)
    return new NameTable(path, clock, new Map(entries.filter(([, { id }]) => known(id))))
  }

  get(name: string): string | undefined {
    return this.#entries.get(name)?.id
  }

  of(id: string): readonly string[] {
    return [...this.#entries].filter(([, entry]) => entry.id === id).map(([name]) => name)
  }

  /** When an image was last given a name; undefined if it has none. */
  lastGivenMs(id: string): number | undefined {
    const times = [...this.#entries.values()].filter(entry => entry.id === id).map(entry => entry.givenAtMs)
    return times.length === 0 ? undefined : Math.max(...times)
  }

  async change(make: (changes: NameChanges) => void): Promise<void> {
    await this.#lock.run('names', async () => {
      const next = new Map(this.#entries)
      const givenAtMs = this.#clock.nowMs()
      make({ set: (name, id) => void next.set(name, { id, givenAtMs }), delete: name => void next.delete(name) })
      await replaceFile(this.#path, JSON.stringify(Object.fromEntries(next), undefined, 1))
      this.#entries = next
    })
  }
}

async function readEntries(path: string): Promise<[string, NameEntry][]> {
  const bytes = await readIfThere(path)
  try {
    const stored = bytes === undefined ? {} : (JSON.parse(bytes.toString()) as Record<string, string | NameEntry>)
    // The first format had the id alone.
    return Object.entries(stored).map(([name, entry]) => [
      name,
      typeof entry === 'string' ? { id: entry, givenAtMs: 0 } : entry,
    ])
  } catch (error) {
    throw failed('BAD_RECORD', `Cannot read ${path} (${errorMessage(error)}): remove it and pull the images again`, {
      cause: error,
    })
  }
}
