import { type FSWatcher, readdirSync, readFileSync, rmSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'

export interface ExitFile {
  readonly exitCode: number
  readonly finishedAtMs: number
}

const CONTAINER_ID = /^[0-9a-f]{64}$/

/**
 * The folder in which conmon leaves a file with the exit code, under the container's id, when a container ends. It is on
 * tmpfs, so that waiting for a thread would cost more than reading.
 */
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
  read(id: string): ExitFile | undefined {
    const path = join(this.#folder, id)
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return undefined
    return { exitCode: Number(readFileSync(path, 'utf8').trim()), finishedAtMs: Math.floor(stat.mtimeMs) }
  }

  has(id: string): boolean {
    return statSync(join(this.#folder, id), { throwIfNoEntry: false }) !== undefined
  }

  list(): string[] {
    return readdirSync(this.#folder).filter(name => CONTAINER_ID.test(name))
  }

  forget(id: string): void {
    rmSync(join(this.#folder, id), { force: true })
  }

  close(): void {
    this.#watcher?.close()
  }
}
