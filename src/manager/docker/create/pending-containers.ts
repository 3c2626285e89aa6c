import type { PlacedContainer, Reservation } from '../../../scheduler/index.ts'

/** A container that was given a node, and that its node may not list yet. */
export interface PendingContainer {
  readonly placed: PlacedContainer
  readonly reservation: Reservation
}

/** What has been decided and not been done: the next decision must see it, or two containers get one port, or one name. */
export class PendingContainers {
  /** By the id of the cluster. */
  readonly #pending = new Map<string, PendingContainer>()
  readonly #names: string[] = []

  /** Counts the container as being on its node until the returned function is called. */
  add(container: PendingContainer): () => void {
    this.#pending.set(container.reservation.id, container)
    return () => void this.#pending.delete(container.reservation.id)
  }

  /** Holds a name until the returned function is called. */
  hold(name: string): () => void {
    this.#names.push(name)
    return () => void this.#names.splice(this.#names.indexOf(name), 1)
  }

  get(id: string): PendingContainer | undefined {
    return this.#pending.get(id)
  }

  isHeld(name: string): boolean {
    return this.#names.includes(name) || [...this.#pending.values()].some(({ placed }) => placed.name === name)
  }
}
