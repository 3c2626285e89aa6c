import type { Clock, Timer } from '../../../core/clock.ts'
import { errorMessage } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { LogDisk, RotatedLog } from './log-disk.ts'
import { FIRST_LOOK_MS, LOOK_EVERY_MS, type LogSize, nextLookMs } from './log-pace.ts'

interface RotatorPorts {
  readonly clock: Clock
  readonly log: Log
  readonly disk: LogDisk
}

/** Logs that are due within this are looked at together. */
const TOGETHER_MS = 500

interface Entry {
  readonly containerId: string
  readonly log: RotatedLog
  seen: LogSize
  /** When it is looked at next; undefined while it is looked at, or waits to be written to. */
  dueMs: number | undefined
  watcher: { readonly close: () => void } | undefined
}

/**
 * Rotates the logs of running containers that are too long. A log that grows is looked at the sooner the faster it does, so that
 * a flood does not go far beyond its limit; one that does not grow is only watched by the kernel, and costs nothing.
 */
export class LogRotator {
  readonly #ports: RotatorPorts
  readonly #entries = new Map<string, Entry>()
  #timer: Timer | undefined
  #timerMs = Infinity

  constructor(ports: RotatorPorts) {
    this.#ports = ports
  }

  add(containerId: string, log: RotatedLog): void {
    this.remove(containerId)
    if (!Number.isFinite(log.limits.bytesMax)) return
    const nowMs = this.#ports.clock.monotonicMs()
    const seen: LogSize = { bytes: 0, atMs: nowMs }
    const entry: Entry = { containerId, log, seen, dueMs: undefined, watcher: undefined }
    this.#entries.set(containerId, entry)
    this.#due(entry, FIRST_LOOK_MS)
  }

  remove(containerId: string): void {
    const entry = this.#entries.get(containerId)
    this.#entries.delete(containerId)
    if (entry !== undefined) unwatch(entry)
  }

  close(): void {
    for (const containerId of this.#entries.keys()) this.remove(containerId)
    this.#timer?.cancel()
  }

  #due(entry: Entry, delayMs: number): void {
    entry.dueMs = this.#ports.clock.monotonicMs() + delayMs
    this.#wakeAt(entry.dueMs)
  }

  #wakeAt(dueMs: number): void {
    if (dueMs >= this.#timerMs) return
    this.#timer?.cancel()
    this.#timerMs = dueMs
    this.#timer = this.#ports.clock.setTimer(dueMs - this.#ports.clock.monotonicMs(), () => this.#lookAtAll())
  }

  #lookAtAll(): void {
    this.#timerMs = Infinity
    const untilMs = this.#ports.clock.monotonicMs() + TOGETHER_MS
    for (const entry of this.#entries.values()) {
      if (entry.dueMs === undefined) continue
      if (entry.dueMs > untilMs) this.#wakeAt(entry.dueMs)
      else void this.#lookAt(entry)
    }
  }

  async #lookAt(entry: Entry): Promise<void> {
    entry.dueMs = undefined
    let delayMs: number | undefined = LOOK_EVERY_MS
    try {
      delayMs = await this.#rotateIfFull(entry)
      if (delayMs === undefined && this.#isKept(entry)) delayMs = await this.#watch(entry)
    } catch (error) {
      const { containerId } = entry
      this.#ports.log.warn({ containerId, error: errorMessage(error) }, 'cannot rotate log')
    }
    if (!this.#isKept(entry)) return unwatch(entry)
    if (delayMs !== undefined) this.#due(entry, delayMs)
  }

  /** Resolves with when to look again; undefined if the log has not grown. */
  async #rotateIfFull(entry: Entry): Promise<number | undefined> {
    const { disk, clock } = this.#ports
    const { path, limits } = entry.log
    const bytes = await disk.sizeOf(path)
    if (bytes === undefined) return LOOK_EVERY_MS
    const [before, seen] = [entry.seen, { bytes, atMs: clock.monotonicMs() }]
    const rotated = bytes >= limits.bytesMax && (await disk.rotate(entry.log))
    entry.seen = rotated ? { bytes: 0, atMs: clock.monotonicMs() } : seen
    return nextLookMs(before, seen, { bytesMax: limits.bytesMax, bytesNow: entry.seen.bytes })
  }

  /** Has the kernel tell of the next write. Resolves with when to look instead, if that is not enough. */
  async #watch(entry: Entry): Promise<number | undefined> {
    let isWritten = false
    const onWritten = (): void => {
      isWritten = true
      if (entry.watcher === watcher) this.#onWritten(entry)
    }
    let watcher: Entry['watcher']
    try {
      watcher = this.#ports.disk.watch(entry.log.path, onWritten)
      // What was written between the last look and the first moment of the watch was told to nobody.
      const bytes = await this.#ports.disk.sizeOf(entry.log.path)
      if (isWritten || bytes !== entry.seen.bytes) {
        watcher.close()
        return FIRST_LOOK_MS
      }
    } catch {
      // No more watches to be had, for one: it is looked at as if it grew.
      watcher?.close()
      return LOOK_EVERY_MS
    }
    entry.watcher = watcher
    return undefined
  }

  #onWritten(entry: Entry): void {
    unwatch(entry)
    if (!this.#isKept(entry)) return
    // It has been silent until now: how fast it grows counts from here.
    entry.seen = { bytes: entry.seen.bytes, atMs: this.#ports.clock.monotonicMs() }
    this.#due(entry, FIRST_LOOK_MS)
  }

  #isKept(entry: Entry): boolean {
    return this.#entries.get(entry.containerId) === entry
  }
}

function unwatch(entry: Entry): void {
  entry.watcher?.close()
  entry.watcher = undefined
}
