import { beingRemoved, cannotRemoveRunning } from '../container-errors.ts'
import { isRunning } from '../record.ts'
import { emitContainer, type Room } from '../room.ts'
import { cancelRestart, clearRun, takeAttaching } from './begin-run.ts'
import { removeBundle } from './bundle.ts'
import { killAndWait } from './stop-container.ts'

/** Removes a container; one that runs only by force. */
export async function removeContainer(
  room: Room,
  reference: string,
  { force = false, volumes = false }: { readonly force?: boolean; readonly volumes?: boolean },
): Promise<void> {
  const { id, life } = room.table.get(reference)
  if (life.status === 'removing') throw beingRemoved(id)
  if (force) await killAndWait(room, id)
  await room.locks.run(id, async () => {
    const record = room.table.find(id)
    if (record === undefined) return
    if (isRunning(record)) throw cannotRemoveRunning(id, record.life.paused ? 'paused' : 'running')
    if (record.life.status === 'restarting' && !force) throw cannotRemoveRunning(id, 'restarting')
    await removeUnderLock(room, id, { anonymousVolumes: volumes })
  })
}

/** Removes a container that does not run, and everything of it; under its lock. The intent is written first. */
export async function removeUnderLock(
  room: Room,
  id: string,
  { anonymousVolumes }: { readonly anonymousVolumes: boolean },
): Promise<void> {
  const record = room.table.find(id)
  if (record === undefined) return
  cancelRestart(room, id)
  // A full disk must not keep anybody from removing things.
  await room.table
    .update(id, current => ({ ...current, life: { status: 'removing', anonymousVolumes } }))
    .catch(() => {})
  if (record.life.status === 'removing') await clearRun(room, id)
  await room.roots.remove(id)
  await room.mounts.release(id, { anonymous: anonymousVolumes })
  removeBundle(room, id)
  await room.table.remove(id)
  for (const stream of takeAttaching(room, id)) stream.finish()
  room.runs.get(id)?.abort()
  room.runs.delete(id)
  emitContainer(room, record, 'destroy')
  room.waiters.tell(id, ['next-exit', 'not-running', 'removed'], record.lastRun?.exitCode ?? 0)
}
