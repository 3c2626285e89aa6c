import type { Engine } from '../../docker-api/index.ts'
import type { HandRestarts } from '../ports.ts'

/** Containers that people are restarting by hand: they end, and nobody is to conclude anything from it. */
export class Restarts implements HandRestarts {
  readonly #underWay = new Map<string, number>()
  readonly #listeners = new Set<(id: string) => void>()

  has(id: string): boolean {
    return this.#underWay.has(id)
  }

  onEnd(listener: (id: string) => void): void {
    this.#listeners.add(listener)
  }

  /** The engine, whose restarts are noted here. */
  watch(engine: Engine): Engine {
    const { containers } = engine
    return {
      ...engine,
      containers: {
        ...containers,
        restart: async (reference, options) => {
          const { Id } = await containers.inspect(reference)
          this.#underWay.set(Id, (this.#underWay.get(Id) ?? 0) + 1)
          try {
            await containers.restart(Id, options)
          } finally {
            this.#end(Id)
          }
        },
      },
    }
  }

  #end(id: string): void {
    const others = (this.#underWay.get(id) ?? 1) - 1
    if (others > 0) this.#underWay.set(id, others)
    else this.#underWay.delete(id)
    for (const listener of this.#listeners) listener(id)
  }
}
