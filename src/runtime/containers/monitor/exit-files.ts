import { type FSWatcher, watch } from 'node:fs'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../../core/errors.ts'

export interface ExitFile {
  readonly exitCode: number
  readonly finishedAtMs: number
}

const CONTAINER_ID = /^[0-9a-f]{64}$/

/** The folder in which conmon leaves a file with the exit code, under the container's id, when a container ends. */
export class ExitFiles {
  readonly #folder: string
  #watcher: FSWatcher | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Calls `onExit` whenever a container ends; told at once by inotify. */
  watch(onExit: (id: string) => void, onError: (error: Error) => void): void {
    this.#watcher = watch(this.#folder, (_event, name) => {
      if (name !== null && CONTAINER_ID.test(name)) onExit(name)
    }).on('error', onError)
  }

  /** Undefined while the container has not ended. */
  async read(id: string): Promise<ExitFile | undefined> {
    const path = join(this.#folder, id)
    try {
      const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
      return { exitCode: Number(text.trim()), finishedAtMs: Math.floor(mtimeMs) }
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined
      throw error
    }
  }

  async list(): Promise<string[]> {
    return (await readdir(this.#folder)).filter(name => CONTAINER_ID.test(name))
  }

  async forget(id: string): Promise<void> {
    await rm(join(this.#folder, id), { force: true })
  }

  close(): void {
    this.#watcher?.close()
  }
}
