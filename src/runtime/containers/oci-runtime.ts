import type { Clock } from '../../core/clock.ts'
import { runCommand } from '../linux/run-command.ts'

const TIMEOUT_MS = 30_000

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

  constructor(path: string, stateFolder: string, clock: Clock) {
    this.path = path
    this.stateFolder = stateFolder
    this.#clock = clock
  }

  async start(id: string): Promise<void> {
    await this.#run('start', id)
  }

  async pause(id: string): Promise<void> {
    await this.#run('pause', id)
  }

  async resume(id: string): Promise<void> {
    await this.#run('resume', id)
  }

  /** Kills what is left of a container and forgets it, control groups included. One it does not know is fine. */
  async delete(id: string): Promise<void> {
    await this.#run('delete', '--force', id)
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

  #run(...args: string[]): Promise<string> {
    return runCommand(this.path, ['--root', this.stateFolder, ...args], { clock: this.#clock, timeoutMs: TIMEOUT_MS })
  }
}
