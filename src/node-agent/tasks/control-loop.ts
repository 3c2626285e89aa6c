import type { Clock, Timer } from '../../core/clock.ts'
import { sleep } from '../../core/clock.ts'
import { errorMessage } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { TaskRecord } from '../../core/model/task.ts'
import { type Action, type ActionOf, type Executors, execute, type Verb } from './actions.ts'
import { type Attempt, decide, nextDecisionMs, type Snapshot } from './decide.ts'
import { afterFailure } from './task-runner.ts'

/** What the loop looks at before each decision. */
export interface Observation {
  readonly tasks: readonly TaskRecord[]
  readonly containers: Snapshot['containers']
  readonly reported: Snapshot['reported']
  readonly published: Snapshot['published']
  readonly stale: Snapshot['stale']
}

export interface ControlLoopPorts {
  /** The present state; undefined while it must not be acted on. */
  readonly observe: (signal: AbortSignal) => Promise<Observation | undefined>
  readonly executors: Executors
  readonly clock: Clock
  readonly log: Log
}

/** Images are unpacked and containers made for so many tasks at a time. */
const RUNS_AT_ONCE = 8
const RETRY_MS = 1_000

/**
 * Observe, decide, act: after every change, after every action, and when a retry is due. Actions of one task follow each
 * other; those of different tasks run side by side.
 */
export class ControlLoop {
  readonly #node: string
  readonly #ports: ControlLoopPorts
  readonly #busy = new Map<string, Verb>()
  readonly #attempts = new Map<string, Attempt>()
  readonly #cancels = new Map<string, AbortController>()
  readonly #underWay = new Set<Promise<void>>()
  #wake = Promise.withResolvers<void>()
  #timer: Timer | undefined

  constructor(node: string, ports: ControlLoopPorts) {
    this.#node = node
    this.#ports = ports
  }

  /** Something changed: decide again. */
  readonly wake = (): void => this.#wake.resolve()

  /** Gives up the `run` of a task that is under way. */
  readonly cancel = (taskId: string): void => {
    this.#cancels.get(taskId)?.abort(new DOMException('The task is no longer wanted', 'AbortError'))
  }

  /** Runs until `signal` is aborted or observing fails; what is under way is then given up, and waited for. */
  async run(signal: AbortSignal): Promise<void> {
    const ending = new AbortController()
    const end = AbortSignal.any([signal, ending.signal])
    signal.addEventListener('abort', this.wake, { once: true })
    this.wake()
    try {
      while (!signal.aborted) {
        await this.#wake.promise
        if (signal.aborted) break
        this.#wake = Promise.withResolvers<void>()
        await this.#turn(end)
      }
    } finally {
      ending.abort()
      signal.removeEventListener('abort', this.wake)
      this.#timer?.cancel()
      await Promise.all(this.#underWay)
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { clock, observe } = this.#ports
    const seen = await observe(signal)
    if (seen === undefined || signal.aborted) return
    const wanted = new Set(seen.tasks.map(task => task.id))
    for (const taskId of this.#attempts.keys()) if (!wanted.has(taskId)) this.#attempts.delete(taskId)
    const snapshot: Snapshot = { node: this.#node, ...seen, attempts: this.#attempts, busy: this.#busy }
    // One moment for both: what was not yet due for the decision must not be past for the timer, or nobody wakes for it.
    const nowMs = clock.monotonicMs()
    for (const action of decide(snapshot, nowMs)) this.#dispatch(action, signal)
    this.#wakeLater(snapshot, nowMs)
  }

  #wakeLater(snapshot: Snapshot, decidedMs: number): void {
    const { clock } = this.#ports
    this.#timer?.cancel()
    const dueMs = nextDecisionMs(snapshot, decidedMs)
    if (dueMs !== undefined) this.#timer = clock.setTimer(Math.max(0, dueMs - clock.monotonicMs()), this.wake)
  }

  #dispatch(action: Action, signal: AbortSignal): void {
    const runs = [...this.#busy.values()].filter(verb => verb === 'run').length
    if (action.verb === 'run' && runs >= RUNS_AT_ONCE) return
    const work = this.#carryOut(action, signal).catch((error: unknown) => {
      this.#ports.log.error({ taskId: action.taskId, verb: action.verb, error: errorMessage(error) }, 'action broke')
    })
    this.#underWay.add(work)
    void work.finally(() => this.#underWay.delete(work))
  }

  async #carryOut(action: Action, signal: AbortSignal): Promise<void> {
    switch (action.verb) {
      case 'report':
      case 'cancel':
        return execute(this.#ports.executors, action, signal)
      case 'publish':
        return this.#publish(action, signal)
      case 'run':
        return this.#exclusively(action, () => this.#tryToRun(action, signal))
      case 'stop':
      case 'remove':
      case 'forget':
        return this.#exclusively(action, () => this.#tidy(action, signal))
      case 'conclude':
        return this.#exclusively(action, () => execute(this.#ports.executors, action, signal))
    }
  }

  async #exclusively({ taskId, verb }: Action, work: () => Promise<void>): Promise<void> {
    this.#busy.set(taskId, verb)
    try {
      await work()
    } finally {
      this.#busy.delete(taskId)
      this.wake()
    }
  }

  async #tryToRun(action: ActionOf<'run'>, signal: AbortSignal): Promise<void> {
    const { clock, log, executors } = this.#ports
    const { taskId, task } = action
    const cancel = new AbortController()
    this.#cancels.set(taskId, cancel)
    try {
      await execute(executors, action, AbortSignal.any([signal, cancel.signal]))
      this.#attempts.delete(taskId)
      log.info({ taskId, service: task.serviceId, slot: task.slot }, 'started')
    } catch (error) {
      if (signal.aborted || cancel.signal.aborted) return
      const tries = (this.#attempts.get(taskId)?.tries ?? 0) + 1
      const attempt = afterFailure(error, { tries, nowMs: clock.monotonicMs() })
      this.#attempts.set(taskId, attempt)
      log.warn({ taskId, service: task.serviceId, slot: task.slot, ...attempt }, 'cannot start')
    } finally {
      this.#cancels.delete(taskId)
    }
  }

  /** What must be tidied up is tried until it works; the task stays busy meanwhile. */
  async #tidy(action: ActionOf<'stop' | 'remove' | 'forget'>, signal: AbortSignal): Promise<void> {
    const { clock, log, executors } = this.#ports
    try {
      await execute(executors, action, signal)
      log.info({ taskId: action.taskId, verb: action.verb }, 'done')
    } catch (error) {
      log.warn({ taskId: action.taskId, verb: action.verb, error: errorMessage(error) }, 'failed, will retry')
      await sleep(clock, RETRY_MS, signal).catch(() => {})
    }
  }

  async #publish(action: ActionOf<'publish'>, signal: AbortSignal): Promise<void> {
    const { clock, log, executors } = this.#ports
    try {
      await execute(executors, action, signal)
    } catch (error) {
      const { taskId, healthy } = action
      log.warn({ taskId, healthy, error: errorMessage(error) }, 'cannot publish the addresses, will retry')
      clock.setTimer(RETRY_MS, this.wake)
    }
  }
}
