import type { Reservation } from '../../scheduler/index.ts'

/** Room that is taken up by containers that belong to no task: they were made one by one, and no record of the store tells of them. */
export interface Standalone {
  /** By id. Valid until the next await. */
  readonly reservations: () => ReadonlyMap<string, Reservation>
  /** Tells when one of them takes up less than before, so that what waits for room may find some. */
  readonly onRoom: (listener: () => void) => () => void
}

/** Whether anything is free now that `before` took up. */
export function givesRoom(before: Reservation, now: Reservation | undefined): boolean {
  if (now === undefined || now.node !== before.node) return true
  if (now.nanoCpus < before.nanoCpus || now.memoryBytes < before.memoryBytes) return true
  return before.hostPorts.some(
    port =>
      !now.hostPorts.some(
        ({ published, protocol, hostIp }) =>
          published === port.published && protocol === port.protocol && hostIp === port.hostIp,
      ),
  )
}
