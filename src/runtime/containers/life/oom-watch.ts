import { existsSync, type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/**
 * Tells when the kernel ends a process of a running container for its memory, once for each run. conmon leaves a file when
 * that happens; the container itself may go on.
 */
export class OomWatch {
  readonly #onOom: (id: string) => void
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #told = new Set<string>()

  constructor(onOom: (id: string) => void) {
    this.#onOom = onOom
  }

  /** `mark` is the file. Beginning again changes nothing. Where nothing can be watched, only the end of the run tells. */
  begin(id: string, mark: string): void {
    if (this.#watchers.has(id) || this.#told.has(id)) return
    try {
      const watcher = watch(dirname(mark), { persistent: false }, (_event, name) => {
        if (name === basename(mark)) this.#tell(id)
      })
      this.#watchers.set(
        id,
        watcher.on('error', () => this.#stop(id)),
      )
    } catch {
      return
    }
    if (existsSync(mark)) this.#tell(id)
  }

  /** Ends with the run; true if it has told of it. */
  end(id: string): boolean {
    this.#stop(id)
    return this.#told.delete(id)
  }

  close(): void {
    for (const id of this.#watchers.keys()) this.#stop(id)
  }

  #tell(id: string): void {
    this.#stop(id)
    this.#told.add(id)
    this.#onOom(id)
  }

  #stop(id: string): void {
    this.#watchers.get(id)?.close()
    this.#watchers.delete(id)
  }
}
