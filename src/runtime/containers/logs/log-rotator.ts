import type { Clock, Timer } from '../../../core/clock.ts'
import { errorMessage } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { LogLimits } from './log-config.ts'
import { reopenLog, rotateLog } from './rotate.ts'

export interface RotatedLog {
  readonly path: string
  /** conmon's control fifo. */
  readonly controlPath: string
  readonly limits: LogLimits
}

const CHECK_EVERY_MS = 5_000

/** Looks at the logs of running containers now and then, and rotates those that are too long. */
export class LogRotator {
  readonly #ports: { readonly clock: Clock; readonly log: Log }
  readonly #logs = new Map<string, RotatedLog>()
  #timer: Timer | undefined
  #isClosed = false

  constructor(ports: { readonly clock: Clock; readonly log: Log }) {
    this.#ports = ports
  }

  add(containerId: string, log: RotatedLog): void {
    this.#logs.set(containerId, log)
    this.#schedule()
  }

  remove(containerId: string): void {
    this.#logs.delete(containerId)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #schedule(): void {
    if (this.#isClosed || this.#timer !== undefined || this.#logs.size === 0) return
    this.#timer = this.#ports.clock.setTimer(CHECK_EVERY_MS, () => void this.#check())
  }

  async #check(): Promise<void> {
    for (const [containerId, { path, controlPath, limits }] of this.#logs) {
      try {
        await rotateLog(path, limits, { clock: this.#ports.clock, reopen: () => reopenLog(controlPath) })
      } catch (error) {
        this.#ports.log.warn({ containerId, error: errorMessage(error) }, 'cannot rotate log')
      }
    }
    this.#timer = undefined
    this.#schedule()
  }
}
