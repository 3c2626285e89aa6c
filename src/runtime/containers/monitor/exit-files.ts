import { type FSWatcher, readdirSync, readFileSync, rmSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Timer } from '../../../core/clock.ts'

export interface ExitFile {
  readonly exitCode: number
  readonly finishedAtMs: number
}

const CONTAINER_ID = /^[0-9a-f]{64}$/
/** How often the folder is read while the kernel does not tell of it. */
const LOOK_EVERY_MS = 200

/**
 * The folder in which conmon leaves a file with the exit code, under the container's id, when a container ends. It is on
 * tmpfs, so that waiting for a thread would cost more than reading.
 */
export class ExitFiles {
  readonly #folder: string
  readonly #clock: Clock
  #watcher: FSWatcher | undefined
  #nextLook: Timer | undefined

  constructor(folder: string, clock: Clock) {
    this.#folder = folder
    this.#clock = clock
  }

  /**
   * Calls `onExit` whenever a container ends; told at once by inotify. The host has few watches, and any process of its root
   * may have taken them all, those of containers too: `onError` hears of it, and the folder is read until there is one again.
   */
  watch(onExit: (id: string) => void, onError: (error: Error) => void): void {
    const lookLater = (): void => {
      this.#nextLook = this.#clock.setTimer(LOOK_EVERY_MS, () => {
        const isWatched = this.#begin(onExit, lookLater)
        for (const id of this.list()) onExit(id)
        if (!isWatched) lookLater()
      })
    }
    if (this.#begin(onExit, lookLater)) return
    onError(new Error('The host has no inotify watch left, so ends of containers are looked for'))
    lookLater()
  }

  /** False if nothing can be watched now. */
  #begin(onExit: (id: string) => void, onLost: () => void): boolean {
    try {
      const watcher = watch(this.#folder, (_event, name) => {
        if (name !== null && CONTAINER_ID.test(name)) onExit(name)
      })
      this.#watcher = watcher.on('error', () => {
        watcher.close()
        onLost()
      })
      return true
    } catch {
      return false
    }
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
    this.#nextLook?.cancel()
    this.#watcher?.close()
  }
}
