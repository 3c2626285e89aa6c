import { type Clock, type Timer, withDeadline } from '../../core/clock.ts'
import { errorCode, errorMessage, isTransient, unavailable } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { MemberRecord } from '../../core/model/node.ts'
import type { Random } from '../../core/random.ts'
import type { ClusterKeys } from '../../discovery/index.ts'
import type { Engine } from '../../docker-api/index.ts'
import { decide, type MakePlacer } from '../decide.ts'
import type { Action } from '../model/action.ts'
import { NOTHING_OBSERVED, type Observations, observe } from '../model/observations.ts'
import type { DecideOptions } from '../model/round.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { Standalone } from '../model/standalone.ts'
import type { ClusterCache } from './cluster-cache.ts'
import { transactionOf } from './transactions.ts'
import type { FencedWriter } from './writer.ts'

/** Changes that come within this time are decided on together. */
const PAUSE_MIN_MS = 20
/** Everything is decided anew at least this often. */
const PAUSE_MAX_MS = 5_000
const RETRY = { minMs: 500, maxMs: 500 }
/** Room that containers give back within this long is looked at once, however many of them end. */
const ROOM_PAUSE_MS = 200
const VOLUME_DEADLINE_MS = 20_000

export interface ControlLoopPorts {
  readonly cache: ClusterCache
  readonly writer: FencedWriter
  readonly keys: ClusterKeys
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly engines: (member: MemberRecord) => Engine
  readonly makePlacer: MakePlacer
  readonly standalone?: Standalone | undefined
}

/** Observe, decide, act, for one term of leadership. Ends when `signal` is aborted or the term is over. */
export class ControlLoop {
  readonly #ports: ControlLoopPorts
  readonly #options: DecideOptions
  /** Volumes whose deletion is under way on a node, so that no round starts it twice. */
  readonly #deleting = new Set<string>()
  #observations: Observations = NOTHING_OBSERVED
  #isTaskWaiting = false
  #roomTimer: Timer | undefined
  #changed = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<void>()

  constructor(ports: ControlLoopPorts, options: DecideOptions) {
    this.#ports = ports
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    const { cache, standalone } = this.#ports
    const stop = cache.onChange(() => this.#changed.resolve())
    const stopRoom = standalone?.onRoom(() => this.#onRoom())
    const onAbort = (): void => this.#ended.resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await cache.ready(signal)
      while (!signal.aborted) {
        const isClear = await this.#retried(() => this.#ports.writer.settle())
        if (isClear) await cache.current(signal)
        this.#changed = Promise.withResolvers()
        if (signal.aborted) return
        await this.#pause(isClear ? await this.#round(signal) : RETRY, signal)
      }
    } finally {
      stop()
      stopRoom?.()
      this.#roomTimer?.cancel()
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** One round; resolves with how long to wait at most for the next. */
  async #round(signal: AbortSignal): Promise<{ minMs: number; maxMs: number }> {
    const { clock, cache, writer, random, makePlacer, standalone } = this.#ports
    const startMs = clock.monotonicMs()
    const snapshot = cache.snapshot()
    this.#observations = observe(this.#observations, snapshot, startMs)
    this.#isTaskWaiting = isTaskWaiting(snapshot)
    const round = {
      nowMs: clock.nowMs(),
      monotonicMs: startMs,
      random,
      fencingToken: writer.fencingToken,
      observations: this.#observations,
      options: this.#options,
      ...(standalone === undefined ? {} : { standalone: standalone.reservations() }),
    }
    const { actions, wakeAtMs } = decide(snapshot, round, makePlacer)
    if (!(await this.#retried(() => this.#act(actions, signal)))) return RETRY
    const tookMs = clock.monotonicMs() - startMs
    const dueMs = wakeAtMs === undefined ? PAUSE_MAX_MS : wakeAtMs - startMs
    return { minMs: Math.max(PAUSE_MIN_MS, tookMs), maxMs: Math.min(PAUSE_MAX_MS, dueMs) }
  }

  /** False if the store did not answer. */
  async #retried(write: () => Promise<void>): Promise<boolean> {
    try {
      await write()
      return true
    } catch (error) {
      if (!isTransient(error)) throw error
      this.#ports.log.warn({ error: errorMessage(error) }, 'cannot write decisions, will retry')
      return false
    }
  }

  /** Nothing in the store tells of room that a container gives back. */
  #onRoom(): void {
    if (!this.#isTaskWaiting || this.#roomTimer !== undefined) return
    this.#roomTimer = this.#ports.clock.setTimer(ROOM_PAUSE_MS, () => {
      this.#roomTimer = undefined
      this.#changed.resolve()
    })
  }

  async #act(actions: readonly Action[], signal: AbortSignal): Promise<void> {
    const { writer, keys, log } = this.#ports
    for (const action of actions) log.debug(describe(action), 'decided')
    const writes = actions.filter(action => action.do !== 'delete-volume')
    const { refused } = await writer.writeAll(writes.map(action => transactionOf(action, keys, writer.fencingToken)))
    if (refused > 0) log.debug({ refused }, 'the cluster changed meanwhile, deciding anew')
    for (const action of actions) if (action.do === 'delete-volume') void this.#deleteVolume(action, signal)
  }

  /** Beside the loop: a slow node holds up nobody. Repeated by later rounds until it succeeds. */
  async #deleteVolume(action: Extract<Action, { do: 'delete-volume' }>, signal: AbortSignal): Promise<void> {
    const { cache, keys, log, writer } = this.#ports
    const { name, node } = action.volume.value
    const members = [...cache.snapshot().members.values()].map(({ value }) => value)
    const home = members.find(member => member.name === node)
    if ((node !== undefined && home === undefined) || this.#deleting.has(name)) return
    this.#deleting.add(name)
    try {
      if (home !== undefined) await this.#deleteOn(home, name, signal)
      // Else the next project of the name may get one of these back.
      const copies = members.filter(member => member !== home)
      await Promise.all(
        copies.map(member =>
          this.#deleteOn(member, name, signal).catch((error: unknown) => {
            // It keeps nobody from the name: the data that counts is gone.
            log.warn({ volume: name, node: member.name, error: errorMessage(error) }, 'a copy of a volume is left')
          }),
        ),
      )
      await writer.write(transactionOf(action, keys, writer.fencingToken))
    } catch (error) {
      if (!signal.aborted)
        log.warn({ volume: name, node, error: errorMessage(error) }, 'cannot delete a volume, will retry')
    } finally {
      this.#deleting.delete(name)
    }
  }

  async #deleteOn(member: MemberRecord, name: string, signal: AbortSignal): Promise<void> {
    const { clock, engines } = this.#ports
    await withDeadline(() => removeVolume(engines(member), name), VOLUME_DEADLINE_MS, {
      clock,
      signal,
      onTimeout: () => unavailable('NODE_SILENT', `Node ${member.name} does not answer`),
    })
  }

  /** Waits for a change, but at least `minMs` and at most `maxMs`. */
  async #pause({ minMs, maxMs }: { minMs: number; maxMs: number }, signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports
    const wait = (ms: number, until: Promise<void>): Promise<void> => {
      const done = Promise.withResolvers<void>()
      const timer = clock.setTimer(ms, done.resolve)
      return Promise.race([done.promise, until]).finally(timer.cancel)
    }
    await wait(minMs, this.#ended.promise)
    if (maxMs <= minMs || signal.aborted) return
    await wait(maxMs - minMs, Promise.race([this.#changed.promise, this.#ended.promise]))
  }
}

function isTaskWaiting({ tasks }: Snapshot): boolean {
  for (const { value } of tasks.values()) {
    if (value.pendingReasons !== undefined && value.desired === 'running') return true
  }
  return false
}

async function removeVolume(engine: Engine, name: string): Promise<void> {
  try {
    await engine.volumes.remove(name, { force: true })
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error && (('status' in error && error.status === 404) || errorCode(error) === 'NO_SUCH_VOLUME')
  )
}

function describe(action: Action): object {
  const name = (value: object): object => ('id' in value ? { task: value.id } : {})
  switch (action.do) {
    case 'create-task':
    case 'place-task':
    case 'replace-task':
      return { do: action.do, ...name(action.task), service: action.task.serviceId, node: action.task.node }
    case 'stop-task':
    case 'explain-task':
    case 'keep-task':
    case 'forget-task':
      return { do: action.do, ...name(action.task.value), service: action.task.value.serviceId }
    case 'rewrite-service':
      return { do: action.do, service: action.service.id, because: action.because }
    case 'record-node':
      return { do: action.do, node: action.node.name }
    case 'forget-status':
      return { do: action.do, key: action.status.key }
    case 'forget-record':
      return { do: action.do, key: action.record.key }
    case 'condemn-volume':
    case 'delete-volume':
      return { do: action.do, volume: action.volume.value.name }
  }
}
