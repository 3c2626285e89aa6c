import { type Clock, sleep } from '../../core/clock.ts'
import { errorMessage, isTransient } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { TaskStatus } from '../../core/model/task.ts'
import { type ClusterKeys, type Operation, type Store, taskStatusCodec } from '../../discovery/index.ts'
import { advance, type Observation } from './task-status.ts'

export interface StatusReporterPorts {
  readonly store: Store
  readonly keys: ClusterKeys
  readonly clock: Clock
  readonly log: Log
}

const OPERATIONS_PER_WRITE = 100
const RETRY_FIRST_MS = 200
const RETRY_MAX_MS = 5_000

/**
 * Writes what is observed of tasks to the store. What was said counts at once, in memory; the store follows as soon as it
 * can, with only the latest status of each task, so that an outage costs nothing but delay.
 */
export class StatusReporter {
  readonly #node: string
  readonly #ports: StatusReporterPorts
  readonly #statuses = new Map<string, TaskStatus>()
  readonly #unwritten = new Set<string>()
  #wake = Promise.withResolvers<void>()

  constructor(node: string, ports: StatusReporterPorts) {
    this.#node = node
    this.#ports = ports
  }

  get statuses(): ReadonlyMap<string, TaskStatus> {
    return this.#statuses
  }

  /** Takes over what a predecessor reported from this node. */
  async load(): Promise<void> {
    const { store, keys, log } = this.#ports
    const { items } = await store.list(keys.statusOf(this.#node, ''))
    for (const { key, value } of items) {
      try {
        const status = taskStatusCodec.decode(value)
        if (!this.#statuses.has(status.taskId)) this.#statuses.set(status.taskId, status)
      } catch (error) {
        log.warn({ key, error: errorMessage(error) }, 'cannot read a status, it will be written anew')
      }
    }
  }

  /** A state never goes back: a report that would is dropped, as is one of a task that has ended. */
  report(observation: Observation): void {
    const before = this.#statuses.get(observation.taskId)
    const next = advance(before, observation)
    if (next === before) return
    this.#statuses.set(next.taskId, { ...next, updatedAtMs: this.#ports.clock.nowMs() })
    this.#enqueue(next.taskId)
  }

  forget(taskId: string): void {
    this.#statuses.delete(taskId)
    this.#enqueue(taskId)
  }

  /** Writes everything again: the store may have lost it. */
  resend(): void {
    for (const taskId of this.#statuses.keys()) this.#enqueue(taskId)
  }

  /** Writes until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake.resolve(), { once: true })
    let failures = 0
    while (!signal.aborted) {
      await this.#wake.promise
      if (signal.aborted) return
      this.#wake = Promise.withResolvers<void>()
      try {
        await this.#flush()
        if (failures > 0) this.#ports.log.info({ failures }, 'the store answers again')
        failures = 0
      } catch (error) {
        failures++
        if (failures === 1) this.#ports.log.warn({ error: errorMessage(error) }, 'cannot write statuses, will retry')
        const waitMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (failures - 1))
        await sleep(this.#ports.clock, waitMs, signal).catch(() => {})
        this.#wake.resolve()
      }
    }
  }

  #enqueue(taskId: string): void {
    this.#unwritten.add(taskId)
    this.#wake.resolve()
  }

  async #flush(): Promise<void> {
    while (this.#unwritten.size > 0) {
      const batch = [...this.#unwritten].slice(0, OPERATIONS_PER_WRITE)
      // Removed before writing: what is said meanwhile is written by the next round.
      for (const taskId of batch) this.#unwritten.delete(taskId)
      try {
        await this.#write(batch)
      } catch (error) {
        for (const taskId of batch) this.#unwritten.add(taskId)
        throw error
      }
    }
  }

  /** What the store refuses for good (a value that is too large) must not hold back what is told with it. */
  async #write(batch: readonly string[]): Promise<void> {
    try {
      await this.#ports.store.txn(
        [],
        batch.map(taskId => this.#operation(taskId)),
      )
    } catch (error) {
      if (isTransient(error)) throw error
      const [taskId, ...others] = batch
      if (others.length > 0) for (const each of batch) await this.#write([each])
      else this.#ports.log.error({ task: taskId, error: errorMessage(error) }, 'the store refuses the status of a task')
    }
  }

  #operation(taskId: string): Operation {
    const key = this.#ports.keys.statusOf(this.#node, taskId)
    const status = this.#statuses.get(taskId)
    return status === undefined ? { delete: key } : { put: key, value: taskStatusCodec.encode(status) }
  }
}
