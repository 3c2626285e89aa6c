import { existsSync } from 'node:fs'
import { errorMessage } from '../../../core/errors.ts'
import { bundleFiles, bundlePath } from '../engine-paths.ts'
import { type ContainerRecord, type EndedRun, isRunning } from '../record.ts'
import { emitContainer, type Room } from '../room.ts'
import { beginRun, clearRun } from './begin-run.ts'
import { removeUnderLock } from './remove-container.ts'
import { decideRestart } from './restart-decision.ts'

/** Docker's exit code for a container whose own code is not known. */
export const EXIT_UNKNOWN = 255

/** Called when conmon has left an exit file: cleans up after the run, tells everybody, and restarts if the policy says so. */
export function endRun(room: Room, id: string): Promise<void> {
  return room.locks.run(id, async () => {
    const record = room.table.find(id)
    if (record === undefined || !isRunning(record)) return
    const file = room.exits.read(id)
    if (file === undefined) return
    const oomKilled = wasOomKilled(room, id)
    const { startedAtMs } = record.life
    // The file's time comes from a coarser clock.
    const finishedAtMs = Math.max(startedAtMs, file.finishedAtMs)
    await settleEnd(room, record, { startedAtMs, finishedAtMs, exitCode: file.exitCode, oomKilled, error: '' })
  })
}

/** Whether the kernel ended a process of the last run for its memory. */
export function wasOomKilled({ paths }: Pick<Room, 'paths'>, id: string): boolean {
  return existsSync(bundleFiles(bundlePath(paths, id)).oom)
}

/** Writes down how a run ended, after removing what it had; under the container's lock. */
export async function settleEnd(room: Room, record: ContainerRecord, lastRun: EndedRun): Promise<void> {
  const { id } = record
  const lastHealth = room.health.get(id)
  room.health.stop(id)
  const isOomTold = room.oom.end(id)
  room.rotator.remove(id)
  await clearRun(room, id)
  const current = room.table.find(id)
  if (current === undefined) return
  const decision = decideRestart({
    policy: current.host.RestartPolicy ?? {},
    exitCode: lastRun.exitCode,
    stoppedByHand: current.stoppedByHand,
    ranMs: lastRun.finishedAtMs - lastRun.startedAtMs,
    restartCount: current.restartCount,
    previousDelayMs: current.restartDelayMs,
  })
  const restart = decision.restart
  const life = restart
    ? ({ status: 'restarting', dueAtMs: room.clock.nowMs() + decision.delayMs } as const)
    : ({ status: 'idle' } as const)
  const restartDelayMs = restart ? decision.delayMs : 0
  const { health = lastHealth, ...rest } = current
  // As Docker has it: nobody looks any more, so it is not known to be healthy.
  const unhealthy = health === undefined ? {} : { health: { ...(lastHealth ?? health), Status: 'unhealthy' } as const }
  await room.table
    .update(id, () => ({ ...rest, ...unhealthy, life, lastRun, restartDelayMs }))
    .catch((error: unknown) => room.log.warn({ container: id, error: errorMessage(error) }, 'cannot write record'))
  if (lastRun.oomKilled && !isOomTold) emitContainer(room, current, 'oom')
  const execDuration = String(Math.floor((lastRun.finishedAtMs - lastRun.startedAtMs) / 1_000))
  emitContainer(room, current, 'die', { execDuration, exitCode: String(lastRun.exitCode) })
  if (restart) scheduleRestart(room, id, decision.delayMs)
  room.waiters.tell(id, restart ? ['next-exit'] : ['next-exit', 'not-running'], lastRun.exitCode)
  if (restart) return
  // A follower of the log reads on through restarts, and ends with the last run.
  room.runs.get(id)?.abort()
  room.runs.delete(id)
  if (current.host.AutoRemove === true) await removeUnderLock(room, id, { anonymousVolumes: true })
}

/** Sets the timer for the next run of a container that waits for it. */
export function scheduleRestart(room: Room, id: string, delayMs: number): void {
  if (room.closing.aborted) return
  const timer = room.clock.setTimer(delayMs, () => {
    room.restarts.delete(id)
    room.locks
      .run(id, () => restartNow(room, id))
      .catch((error: unknown) => room.log.error({ container: id, error: errorMessage(error) }, 'cannot restart'))
  })
  room.restarts.set(id, timer)
}

async function restartNow(room: Room, id: string): Promise<void> {
  const record = room.table.find(id)
  if (record === undefined || record.life.status !== 'restarting' || room.closing.aborted) return
  try {
    await beginRun(room, id, { restartCount: record.restartCount + 1 })
  } catch {
    // Written down and logged by the attempt; the policy decides again as if it had run and failed.
    const failed = room.table.find(id)
    if (failed?.lastRun !== undefined) await settleEnd(room, failed, failed.lastRun)
  }
}
