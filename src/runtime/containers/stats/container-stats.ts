import { sleep } from '../../../core/clock.ts'
import type { ContainerStats, CpuStats } from '../../../docker-api/index.ts'
import { isRunning } from '../record.ts'
import type { Room } from '../room.ts'
import { NO_CPU, takeSample } from './take-sample.ts'

const EVERY_MS = 1_000
const NEVER = '0001-01-01T00:00:00Z'

export interface StatsOptions {
  readonly stream: boolean
  readonly oneShot?: boolean
}

/**
 * Samples of what a container uses. A stream gives one at once and then one a second, until the container is removed; a
 * single one takes a second, to say how much of the processor was used in it, unless it is to be given at once.
 */
export async function* containerStats(
  room: Room,
  reference: string,
  { stream, oneShot = false }: StatsOptions,
  signal: AbortSignal,
): AsyncGenerator<ContainerStats> {
  const { id } = room.table.get(reference)
  let before: { readonly preread: string; readonly precpu_stats: CpuStats } = { preread: NEVER, precpu_stats: NO_CPU }
  let isFirst = true
  for (let record = room.table.find(id); record !== undefined; record = room.table.find(id)) {
    const sample = await takeSample(room, record)
    const waits = !stream && !oneShot && isFirst && isRunning(record)
    if (!waits) yield { ...sample, ...before }
    if (!stream && !waits) return
    isFirst = false
    before = { preread: sample.read, precpu_stats: sample.cpu_stats }
    if (await isOver(room, signal)) return
  }
}

/** Waits for the next sample's time; true if nobody waits for it any more. */
async function isOver({ clock, closing }: Room, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(clock, EVERY_MS, AbortSignal.any([signal, closing]))
    return false
  } catch {
    return true
  }
}
