import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../core/errors.ts'
import { syncDirectory, writeDurably } from '../linux/files/durable-file.ts'
import { removeFile } from '../linux/files/remove-tree.ts'
import { parseVolumeRecord, type VolumeRecord } from './volume-record.ts'

/** Which volumes a container uses, by its id. */
export interface VolumeUse {
  readonly containerId: string
  readonly volumes: readonly { readonly name: string; readonly anonymous: boolean }[]
}

/**
 * Where volumes are kept:
 *
 *     volumes/<name>/_data          content
 *     volumes/<name>/volume.json    record
 *     volumes/<name>/copying        there while the image's content is being copied in
 *     volume-uses/<container id>    names of the volumes a container uses
 *     volume-parts/<container id>   where parts of volumes are mounted while it runs
 *
 * A volume appears and disappears by one rename, so a crash leaves a whole volume or an unfinished directory whose name
 * begins with a dot, which the next start deletes.
 */
export class VolumeDisk {
  readonly #volumes: string
  readonly #uses: string
  readonly #parts: string

  constructor(dataRoot: string) {
    this.#volumes = join(dataRoot, 'volumes')
    this.#uses = join(dataRoot, 'volume-uses')
    this.#parts = join(dataRoot, 'volume-parts')
  }

  dataPath(name: string): string {
    return join(this.#volumes, name, '_data')
  }

  partsFolder(containerId: string): string {
    return join(this.#parts, containerId)
  }

  copyingMark(name: string): string {
    return join(this.#volumes, name, 'copying')
  }

  async open(): Promise<{ records: readonly VolumeRecord[]; uses: readonly VolumeUse[] }> {
    await mkdir(this.#volumes, { recursive: true, mode: 0o711 })
    await mkdir(this.#uses, { recursive: true, mode: 0o700 })
    const records: VolumeRecord[] = []
    for (const name of await readdir(this.#volumes)) {
      const record = name.startsWith('.') ? undefined : await this.#readRecord(name)
      if (record !== undefined) records.push(record)
      if (name.startsWith('.')) await rm(join(this.#volumes, name), { recursive: true, force: true })
    }
    const uses: VolumeUse[] = []
    for (const containerId of await readdir(this.#uses)) {
      if (containerId.endsWith('.tmp')) await rm(join(this.#uses, containerId), { force: true })
      else uses.push({ containerId, volumes: await this.#readUse(containerId) })
    }
    return { records, uses }
  }

  async create(record: VolumeRecord): Promise<void> {
    const draft = join(this.#volumes, `.new-${record.name}`)
    await rm(draft, { recursive: true, force: true })
    await mkdir(join(draft, '_data'), { recursive: true, mode: 0o755 })
    await writeDurably(join(draft, 'volume.json'), JSON.stringify(record))
    await rename(draft, join(this.#volumes, record.name))
    await syncDirectory(this.#volumes)
  }

  async remove(name: string): Promise<void> {
    const doomed = join(this.#volumes, `.removed-${name}`)
    await rm(doomed, { recursive: true, force: true })
    try {
      await rename(join(this.#volumes, name), doomed)
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
    }
    await syncDirectory(this.#volumes)
    await rm(doomed, { recursive: true, force: true })
  }

  async writeUse({ containerId, volumes }: VolumeUse): Promise<void> {
    await writeDurably(join(this.#uses, containerId), JSON.stringify(volumes))
  }

  async removeUse(containerId: string): Promise<void> {
    await removeFile(join(this.#uses, containerId))
  }

  /** A record that was lost is made anew from the directory: data must never become invisible. */
  async #readRecord(name: string): Promise<VolumeRecord> {
    const lost = { name, anonymous: false, driver: 'local', driverOptions: null, labels: null, createdAtMs: 0 }
    try {
      return parseVolumeRecord(await readFile(join(this.#volumes, name, 'volume.json'), 'utf8')) ?? lost
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
      return lost
    }
  }

  async #readUse(containerId: string): Promise<VolumeUse['volumes']> {
    try {
      const value: unknown = JSON.parse(await readFile(join(this.#uses, containerId), 'utf8'))
      return Array.isArray(value) ? (value as VolumeUse['volumes']) : []
    } catch {
      return []
    }
  }
}
