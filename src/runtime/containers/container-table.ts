import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, errorMessage } from '../../core/errors.ts'
import { KeyedLock } from '../../core/keyed-lock.ts'
import type { Log } from '../../core/log.ts'
import { removeTree } from '../linux/files/remove-tree.ts'
import { ambiguousPrefix, nameTaken, noSuchContainer } from './container-errors.ts'
import type { ContainerRecord } from './record.ts'

/**
 * The containers of the engine: in memory for reading, and each as a file for the next engine.
 *
 * A change is seen in memory at once and is on disk when the promise resolves; files are replaced as a whole. They are not
 * synced one by one: containers do not survive the power cut that would make a difference.
 */
export class ContainerTable {
  readonly #folder: string
  readonly #records = new Map<string, ContainerRecord>()
  readonly #idOfName = new Map<string, string>()
  readonly #writes = new KeyedLock()

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Reads every record. One that cannot be read is set aside as `record.json.bad` and named in the log; folders without one go. */
  static async open(folder: string, log: Log): Promise<ContainerTable> {
    const table = new ContainerTable(folder)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const id of await readdir(folder)) {
      const path = table.#path(id)
      try {
        const record = JSON.parse(await readFile(path, 'utf8')) as ContainerRecord
        table.#records.set(record.id, record)
        table.#idOfName.set(record.name, record.id)
      } catch (error) {
        if (errorCode(error) === 'ENOENT') {
          await table.#removeUnrecorded(id)
          continue
        }
        log.error({ path, error: errorMessage(error) }, 'cannot read container record, set aside')
        await rename(path, `${path}.bad`)
      }
    }
    return table
  }

  /** What a creation or a removal that was cut off left. A record that was set aside is kept for whoever mends it. */
  async #removeUnrecorded(id: string): Promise<void> {
    const folder = join(this.#folder, id)
    const files = await readdir(folder)
    if (!files.some(name => name.endsWith('.bad'))) await rm(folder, { recursive: true, force: true })
  }

  all(): ContainerRecord[] {
    return [...this.#records.values()]
  }

  find(id: string): ContainerRecord | undefined {
    return this.#records.get(id)
  }

  /** By id, name (a leading slash is fine) or unique prefix of an id. Throws docker's 404. */
  get(reference: string): ContainerRecord {
    const name = reference.startsWith('/') ? reference.slice(1) : reference
    const exact = this.#records.get(reference) ?? this.#records.get(this.#idOfName.get(name) ?? '')
    if (exact !== undefined) return exact
    const found = /^[0-9a-f]+$/.test(reference) ? this.all().filter(({ id }) => id.startsWith(reference)) : []
    if (found.length > 1) throw ambiguousPrefix(reference)
    const [only] = found
    if (only === undefined) throw noSuchContainer(reference)
    return only
  }

  isNameTaken(name: string): boolean {
    return this.#idOfName.has(name)
  }

  /** Adds a new container. Throws 409 if its name is taken; leaves nothing if it cannot be written. */
  async add(record: ContainerRecord): Promise<void> {
    this.#checkName(record.name)
    this.#records.set(record.id, record)
    this.#idOfName.set(record.name, record.id)
    try {
      await mkdir(join(this.#folder, record.id), { recursive: true, mode: 0o700 })
      await this.#write(record.id)
    } catch (error) {
      await this.remove(record.id)
      throw error
    }
  }

  /** Changes a record and writes it; undefined if the container is gone. */
  async update(id: string, change: (record: ContainerRecord) => ContainerRecord): Promise<void> {
    const before = this.#records.get(id)
    if (before === undefined) return
    const after = change(before)
    if (after.name !== before.name) {
      this.#checkName(after.name)
      this.#idOfName.delete(before.name)
      this.#idOfName.set(after.name, id)
    }
    this.#records.set(id, after)
    await this.#write(id)
  }

  /** Deletes the container's folder, log included. */
  async remove(id: string): Promise<void> {
    await this.#writes.run(id, () => removeTree(join(this.#folder, id)))
    const record = this.#records.get(id)
    this.#records.delete(id)
    if (record !== undefined && this.#idOfName.get(record.name) === id) this.#idOfName.delete(record.name)
  }

  #checkName(name: string): void {
    const owner = this.#idOfName.get(name)
    if (owner !== undefined) throw nameTaken(name, owner)
  }

  /** Writes what the record is by then: of several changes waiting, the last one is enough. */
  #write(id: string): Promise<void> {
    return this.#writes.run(id, async () => {
      const record = this.#records.get(id)
      if (record === undefined) return
      const path = this.#path(id)
      await writeFile(`${path}.tmp`, JSON.stringify(record), { mode: 0o600 })
      await rename(`${path}.tmp`, path)
    })
  }

  #path(id: string): string {
    return join(this.#folder, id, 'record.json')
  }
}
