import { type Clock, sleep } from '../core/clock.ts'
import { errorMessage, ShoalError } from '../core/errors.ts'
import { KeyedLock } from '../core/keyed-lock.ts'
import type { Log } from '../core/log.ts'
import { mapParallel } from '../core/parallel.ts'
import type { Engine } from '../docker-api/index.ts'
import { readContainer, type SeenContainer, TASK_LABEL } from './seen-container.ts'

export interface ContainerWatcherPorts {
  readonly engine: Engine
  readonly clock: Clock
  readonly log: Log
}

/** A lost event is made good after this long. */
const RELIST_MS = 30_000
const RECONNECT_FIRST_MS = 500
const RECONNECT_MAX_MS = 10_000
const INSPECTS_AT_ONCE = 8
/** Events that change nothing about how a container is. */
const UNIMPORTANT = /^(exec_|attach|detach|resize|top|copy|archive|export|commit)/

/** The containers of tasks on this node, as the engine has them: by list, by events, and by list again now and then. */
export class ContainerWatcher {
  readonly #ports: ContainerWatcherPorts
  readonly #onChange: () => void
  readonly #containers = new Map<string, SeenContainer>()
  readonly #inspecting = new KeyedLock()

  constructor(ports: ContainerWatcherPorts, onChange: () => void) {
    this.#ports = ports
    this.#onChange = onChange
  }

  containers(): SeenContainer[] {
    return [...this.#containers.values()]
  }

  ofTask(taskId: string): SeenContainer | undefined {
    return this.containers().find(container => container.taskId === taskId)
  }

  /** Reads everything anew. */
  async relist(): Promise<void> {
    const { engine } = this.#ports
    const listed = await engine.containers.list({ all: true, filters: { label: [TASK_LABEL] } })
    const ids = new Set([...this.#containers.keys(), ...listed.map(({ Id }) => Id)])
    await mapParallel([...ids], INSPECTS_AT_ONCE, id => this.refresh(id))
  }

  /** Reads one container anew; it may be gone. */
  async refresh(id: string): Promise<void> {
    await this.#inspecting.run(id, async () => {
      const seen = await this.#inspect(id)
      if (seen === undefined) this.#containers.delete(id)
      else this.#containers.set(id, seen)
    })
    this.#onChange()
  }

  /** Follows the engine until `signal` is aborted; an engine that does not answer is asked again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#follow(signal)
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        failures++
        log.warn({ error: errorMessage(error) }, 'the engine does not answer, will ask again')
        await sleep(clock, Math.min(RECONNECT_MAX_MS, RECONNECT_FIRST_MS * failures), signal).catch(() => {})
      }
    }
  }

  /** One turn: events until the next full list is due. Asks for events from before the list, so that none is missed. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { engine, clock } = this.#ports
    const turn = new AbortController()
    const endTurn = (): void => turn.abort()
    const timer = clock.setTimer(RELIST_MS, endTurn)
    signal.addEventListener('abort', endTurn, { once: true })
    const events = engine.events({ sinceMs: clock.nowMs(), filters: { type: ['container'] } }, turn.signal)
    try {
      await this.relist()
      for await (const event of events) {
        if (event.Type !== 'container' || UNIMPORTANT.test(event.Action)) continue
        if (this.#isOurs(event.Actor.ID, event.Actor.Attributes)) await this.refresh(event.Actor.ID)
      }
      // A stream that ends by itself must not be asked for again in a tight circle.
      if (!turn.signal.aborted) await sleep(clock, RECONNECT_FIRST_MS, signal)
    } catch (error) {
      if (!turn.signal.aborted) throw error
    } finally {
      timer.cancel()
      endTurn()
      signal.removeEventListener('abort', endTurn)
    }
  }

  /** Engines that say the labels with each event spare us looking at other people's containers. */
  #isOurs(id: string, attributes: Readonly<Record<string, string>>): boolean {
    return this.#containers.has(id) || TASK_LABEL in attributes || !('name' in attributes)
  }

  async #inspect(id: string): Promise<SeenContainer | undefined> {
    try {
      return readContainer(await this.#ports.engine.containers.inspect(id))
    } catch (error) {
      if (error instanceof ShoalError && error.status === 404) return undefined
      throw error
    }
  }
}
