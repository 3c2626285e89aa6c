import { KeyedLock } from '../core/keyed-lock.ts'
import type { Overlay } from './ports.ts'

/** Publishes whether tasks serve, one change at a time for each task, and remembers what was published. */
export class EndpointPublisher {
  readonly #overlay: Overlay
  readonly #published = new Map<string, boolean>()
  readonly #turns = new KeyedLock()

  constructor(overlay: Overlay) {
    this.#overlay = overlay
  }

  /** What was last asked for; a task whose last change failed is absent. */
  get published(): ReadonlyMap<string, boolean> {
    return this.#published
  }

  async publish(taskId: string, healthy: boolean): Promise<void> {
    if (this.#published.get(taskId) === healthy) return
    this.#published.set(taskId, healthy)
    try {
      await this.#turns.run(taskId, () => this.#overlay.publishTask(taskId, { healthy }))
    } catch (error) {
      if (this.#published.get(taskId) === healthy) this.#published.delete(taskId)
      throw error
    }
  }

  async release(taskId: string): Promise<void> {
    await this.#turns.run(taskId, () => this.#overlay.releaseTask(taskId))
    this.#published.delete(taskId)
  }
}
