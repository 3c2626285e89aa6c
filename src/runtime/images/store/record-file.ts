import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage, failed } from '../../../core/errors.ts'
import { KeyedLock } from '../../../core/keyed-lock.ts'
import { replaceFile } from './files.ts'

/** Small JSON records, one file each, kept in memory and on disk alike. */
export class RecordFiles<T> {
  readonly #directory: string
  readonly #records = new Map<string, T>()
  readonly #lock = new KeyedLock()

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async open<T>(directory: string): Promise<RecordFiles<T>> {
    const files = new RecordFiles<T>(directory)
    for (const name of await readdir(directory)) {
      const path = join(directory, name)
      if (!name.endsWith('.json')) await rm(path, { force: true })
      else files.#records.set(name.slice(0, -'.json'.length), await readRecord<T>(path))
    }
    return files
  }

  get(key: string): T | undefined {
    return this.#records.get(key)
  }

  entries(): readonly (readonly [string, T])[] {
    return [...this.#records]
  }

  async put(key: string, record: T): Promise<void> {
    await this.#lock.run(key, async () => {
      await replaceFile(join(this.#directory, `${key}.json`), JSON.stringify(record))
      this.#records.set(key, record)
    })
  }

  async remove(key: string): Promise<void> {
    this.#records.delete(key)
    await this.#lock.run(key, () => rm(join(this.#directory, `${key}.json`), { force: true }))
  }
}

async function readRecord<T>(path: string): Promise<T> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch (error) {
    throw failed('BAD_RECORD', `Cannot read ${path} (${errorMessage(error)}): remove it and pull its image again`, {
      cause: error,
    })
  }
}
