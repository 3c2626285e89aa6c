import { conflict } from '../../../core/errors.ts'
import { beingRemoved } from '../container-errors.ts'
import { emitContainer, type Room } from '../room.ts'
import { beginRun, cancelRestart, exitCodeOf } from './begin-run.ts'
import { removeUnderLock } from './remove-container.ts'
import { type StopOptions, stopContainer } from './stop-container.ts'

/** Starts a container by hand: restart counters begin anew. Resolves false if it runs already. */
export async function startContainer(room: Room, reference: string): Promise<boolean> {
  const { id } = room.table.get(reference)
  return room.locks.run(id, async () => {
    const { life } = room.table.get(id)
    if (life.status === 'running') {
      if (life.paused) throw conflict('CONTAINER_PAUSED', 'cannot start a paused container, try unpause instead')
      return false
    }
    if (life.status === 'removing' || life.status === 'creating') throw beingRemoved(id)
    cancelRestart(room, id)
    try {
      await beginRun(room, id, { restartCount: 0, restartDelayMs: 0, stoppedByHand: false })
    } catch (error) {
      room.waiters.tell(id, ['not-running'], exitCodeOf(error))
      if (room.table.find(id)?.host.AutoRemove === true) await removeUnderLock(room, id, { anonymousVolumes: true })
      throw error
    }
    return true
  })
}

export async function restartContainer(room: Room, reference: string, options: StopOptions): Promise<void> {
  const { id } = room.table.get(reference)
  await stopContainer(room, id, options)
  await startContainer(room, id)
  emitContainer(room, room.table.get(id), 'restart')
}
