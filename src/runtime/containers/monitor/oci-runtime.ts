import { rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Clock } from '../../../core/clock.ts'
import { errorMessage } from '../../../core/errors.ts'
import { releaseFifo } from '../../linux/files/release-fifo.ts'
import { runCommand } from '../../linux/process/run-command.ts'
import { SealedProgram } from '../../linux/process/sealed-program.ts'

const TIMEOUT_MS = 30_000
/** Of a quarter of a second each. */
const FREEZE_ATTEMPTS = 6

/**
 * For runtimes written in Go, which live for some milliseconds: threads and rounds of collecting garbage are not worth what
 * they cost. None of it reaches a container, whose variables all stand in its configuration.
 */
export const RUNTIME_ENVIRONMENT = { GOMAXPROCS: '1', GOGC: 'off', GOMEMLIMIT: '256MiB' } as const

/** What the OCI runtime says of a container it knows. */
export interface RuntimeState {
  readonly status: 'creating' | 'created' | 'running' | 'paused' | 'stopped'
  readonly pid: number
}

/** The OCI runtime's command line (`runc`, `crun`), with this engine's own state folder. */
export class OciRuntime {
  readonly path: string
  readonly stateFolder: string
  readonly #clock: Clock
  readonly #sealed: SealedProgram

  constructor(path: string, stateFolder: string, clock: Clock) {
    this.path = path
    this.#sealed = new SealedProgram(path)
    this.stateFolder = stateFolder
    this.#clock = clock
  }

  /**
   * Lets a created container run. With runc this is what `runc start` does, without starting a program for it: the
   * container's first process waits to write into `exec.fifo` of its state folder.
   */
  async start(id: string): Promise<void> {
    if (this.isRunc && (await releaseFifo(join(this.stateFolder, id, 'exec.fifo'), this.#clock))) return
    await this.#run('start', id)
  }

  /**
   * Stops all processes of a container where they are. With control groups of version 1 runc gives up ("unable to freeze") if one of
   * them gets no processor for a moment, as on a busy host, and lets all go on; that passes, so it is asked again.
   */
  async pause(id: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#run('pause', id)
        return
      } catch (error) {
        if (attempt === FREEZE_ATTEMPTS || !errorMessage(error).includes('unable to freeze')) throw error
      }
    }
  }

  async resume(id: string): Promise<void> {
    await this.#run('resume', id)
  }

  /** Sets the limits of a running container to those in a JSON file of OCI resources. */
  async update(id: string, resourcesPath: string): Promise<void> {
    await this.#run('update', '--resources', resourcesPath, id)
  }

  /** Kills what is left of a container and forgets it, control groups included. One it does not know is fine. */
  async delete(id: string): Promise<void> {
    await this.#run('delete', '--force', id)
  }

  /**
   * Forgets a container whose processes have all ended and whose control groups are removed: with runc, its state folder.
   * It saves starting a program at the end of every container. That folder is small, and on tmpfs.
   */
  async forget(id: string): Promise<void> {
    if (this.isRunc) rmSync(join(this.stateFolder, id), { recursive: true, force: true })
    else await this.delete(id)
  }

  /** Undefined if the runtime does not know the container. */
  async state(id: string): Promise<RuntimeState | undefined> {
    try {
      return JSON.parse(await this.#run('state', id)) as RuntimeState
    } catch {
      return undefined
    }
  }

  async version(): Promise<string> {
    const text = await runCommand(this.path, ['--version'], { clock: this.#clock, timeoutMs: TIMEOUT_MS })
    return /version (\S+)/.exec(text)?.[1] ?? ''
  }

  /** What a monitor runs to create containers and to run commands inside. */
  get program(): string {
    return this.isRunc ? this.#sealed.path : this.path
  }

  /** Lets go of what {@link program} has made. */
  close(): void {
    this.#sealed[Symbol.dispose]()
  }

  /** Whether it is known what it does between the words of its command line. */
  get isRunc(): boolean {
    return basename(this.path) === 'runc'
  }

  #run(...args: string[]): Promise<string> {
    return runCommand(this.path, ['--root', this.stateFolder, ...args], { clock: this.#clock, timeoutMs: TIMEOUT_MS })
  }
}
