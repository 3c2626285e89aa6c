import type { PlacedContainer, Reservation } from '../../../scheduler/index.ts'

/** A container that was given a node, and that its node may not list yet. */
export interface PendingContainer {
  readonly placed: PlacedContainer
  readonly reservation: Reservation
}

/** What has been decided and not been done: the next decision must see it, or two containers get one port, or one name. */
export class PendingContainers {
  readonly #pending = new Set<PendingContainer>()

  /** Counts the container as being on its node until the returned function is called. */
  add(container: PendingContainer): () => void {
    this.#pending.add(container)
    return () => void this.#pending.delete(container)
  }

  all(): Iterable<PendingContainer> {
    return this.#pending
  }
}
