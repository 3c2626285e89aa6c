import { errorMessage } from '../../core/errors.ts'
import { removeContainer } from './remove-container.ts'
import type { Room } from './room.ts'
import { startContainer } from './start-container.ts'

/**
 * Starts a container that somebody asked for. One that is to go away when it ends goes away when it cannot start, too:
 * `docker run --rm` waits for that.
 */
export async function startByRequest(room: Room, reference: string): Promise<boolean> {
  const { id, host } = room.table.get(reference)
  try {
    return await startContainer(room, id)
  } catch (error) {
    if (host.AutoRemove === true && room.table.find(id)?.life.status === 'idle') {
      await removeContainer(room, id, { volumes: true }).catch((cause: unknown) => {
        room.log.warn({ container: id, error: errorMessage(cause) }, 'cannot remove container')
      })
    }
    throw error
  }
}
