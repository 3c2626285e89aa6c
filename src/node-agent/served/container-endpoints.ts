import { type Clock, sleep } from '../../core/clock.ts'
import { errorMessage, ShoalError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Engine, EngineEvent } from '../../docker-api/index.ts'
import type { ContainerOverlay } from '../ports.ts'

export interface ContainerEndpointsPorts {
  readonly engine: Engine
  readonly overlay: ContainerOverlay
  readonly clock: Clock
  readonly log: Log
}

const FILTERS = { type: ['container'] }
const RETRY_MS = 1_000
/** What may say that a container runs, or no longer does. */
const TELLING = /^(start|die|pause|unpause|restart|rename|destroy)$/

/**
 * Keeps what the cluster knows of containers on its networks that belong to no task: their names resolve while they run,
 * and their addresses are free once they are gone.
 */
export class ContainerEndpoints {
  readonly #ports: ContainerEndpointsPorts
  /** Owners whose containers are being made. */
  readonly #awaited = new Set<string>()

  constructor(ports: ContainerEndpointsPorts) {
    this.#ports = ports
  }

  /** Follows the engine until the signal is aborted. Nothing that happened meanwhile is missed when it was away. */
  async run(signal: AbortSignal): Promise<void> {
    const { engine, clock, log } = this.#ports
    while (!signal.aborted) {
      try {
        const sinceMs = clock.nowMs()
        await this.#lookAtAll()
        for await (const event of engine.events({ sinceMs, filters: FILTERS }, signal)) await this.#follow(event)
      } catch (error) {
        if (!signal.aborted) log.warn({ error: errorMessage(error) }, 'cannot follow containers, will try again')
      }
      await sleep(clock, RETRY_MS, signal).catch(() => {})
    }
  }

  /** Keeps the addresses of an owner that is no container yet, until the returned function is called. */
  expect(owner: string): () => void {
    this.#awaited.add(owner)
    return () => void this.#awaited.delete(owner)
  }

  /** Brings what is known of one container up to date. */
  async look(id: string): Promise<void> {
    if (this.#awaited.has(id)) return
    const { engine, overlay } = this.#ports
    try {
      const { State } = await engine.containers.inspect(id)
      await overlay.publishTask(id, { healthy: State.Running })
    } catch (error) {
      if (!(error instanceof ShoalError && error.status === 404)) throw error
      await overlay.releaseTask(id)
    }
  }

  async #lookAtAll(): Promise<void> {
    for (const id of this.#ports.overlay.owners()) await this.look(id)
  }

  async #follow({ Action, Actor: { ID, Attributes } }: EngineEvent): Promise<void> {
    const { overlay } = this.#ports
    if (!TELLING.test(Action) || !overlay.owners().includes(ID)) return
    const { name, oldName } = Attributes
    if (Action === 'rename' && name !== undefined && oldName !== undefined) {
      const [before, now] = [bare(oldName), bare(name)]
      await overlay.change(ID, { names: names => names.map(each => (each === before ? now : each)) })
      return
    }
    await this.look(ID)
  }
}

function bare(name: string): string {
  return name.replace(/^\//, '')
}
