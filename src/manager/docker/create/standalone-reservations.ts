import type { Reservation } from '../../../scheduler/index.ts'
import { givesRoom, type Standalone } from '../../model/standalone.ts'

/** What containers that belong to no task take up, for whoever places tasks beside them. */
export class StandaloneReservations implements Standalone {
  readonly #held = new Map<string, Reservation>()
  readonly #listeners = new Set<() => void>()

  readonly reservations = (): ReadonlyMap<string, Reservation> => this.#held

  readonly onRoom = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  set(reservation: Reservation): void {
    const before = this.#held.get(reservation.id)
    this.#held.set(reservation.id, reservation)
    if (before !== undefined && givesRoom(before, reservation)) this.#tell()
  }

  /** `isElsewhere`: what it took up is counted under another id now. */
  delete(id: string, { isElsewhere = false }: { readonly isElsewhere?: boolean } = {}): void {
    if (this.#held.delete(id) && !isElsewhere) this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
