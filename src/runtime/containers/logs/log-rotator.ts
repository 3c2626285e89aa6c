import { stat } from 'node:fs/promises'
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

/** How often logs are looked at that do not grow. */
const CHECK_EVERY_MS = 2_000
/** And those that grow fastest. */
const CHECK_EVERY_MS_MIN = 100

/** A log as it was when it was last looked at. */
interface Seen {
  readonly bytes: number
  readonly atMs: number
}

/**
 * Looks at the logs of running containers, and rotates those that are too long: the sooner the faster they grow, so that a
 * flood does not go far beyond its limit.
 */
export class LogRotator {
  readonly #ports: { readonly clock: Clock; readonly log: Log }
  readonly #logs = new Map<string, RotatedLog>()
  readonly #seen = new Map<string, Seen>()
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
    this.#seen.delete(containerId)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #schedule(delayMs = CHECK_EVERY_MS): void {
    if (this.#isClosed || this.#timer !== undefined || this.#logs.size === 0) return
    this.#timer = this.#ports.clock.setTimer(delayMs, () => void this.#check())
  }

  async #check(): Promise<void> {
    let delayMs = CHECK_EVERY_MS
    for (const [containerId, { path, controlPath, limits }] of this.#logs) {
      try {
        await rotateLog(path, limits, { clock: this.#ports.clock, reopen: () => reopenLog(controlPath) })
        delayMs = Math.min(delayMs, await this.#untilFull(containerId, { path, limits }))
      } catch (error) {
        this.#ports.log.warn({ containerId, error: errorMessage(error) }, 'cannot rotate log')
      }
    }
    this.#timer = undefined
    this.#schedule(delayMs)
  }

  /** When a log will reach its limit if it grows on as it did since it was last looked at; at most the usual interval. */
  async #untilFull(containerId: string, { path, limits }: Pick<RotatedLog, 'path' | 'limits'>): Promise<number> {
    const bytes = (await stat(path).catch(() => undefined))?.size ?? 0
    const now: Seen = { bytes, atMs: this.#ports.clock.monotonicMs() }
    const before = this.#seen.get(containerId) ?? { bytes: 0, atMs: now.atMs - CHECK_EVERY_MS }
    if (this.#logs.has(containerId)) this.#seen.set(containerId, now)
    // A shorter one has been rotated: what is there came since.
    const grown = bytes < before.bytes ? bytes : bytes - before.bytes
    if (grown === 0) return CHECK_EVERY_MS
    const perMs = grown / Math.max(1, now.atMs - before.atMs)
    return Math.max(CHECK_EVERY_MS_MIN, (limits.bytesMax - bytes) / perMs)
  }
}
