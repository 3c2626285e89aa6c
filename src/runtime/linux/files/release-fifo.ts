import { constants, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { type Clock, withDeadline } from '../../../core/clock.ts'
import { errorCode, failed } from '../../../core/errors.ts'

const TIMEOUT_MS = 5_000

/**
 * Lets a process go on that waits to write into a fifo: opens it for reading, waits for what is written and deletes it.
 * Resolves false if there is no such fifo.
 */
export async function releaseFifo(path: string, clock: Clock): Promise<boolean> {
  let fd: number
  try {
    // For writing too: otherwise a reader that comes before its writer sees the end at once.
    fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
  const fifo = new Socket({ fd, readable: true, writable: false })
  try {
    const written = new Promise<void>((resolve, reject) => fifo.once('data', () => resolve()).once('error', reject))
    await withDeadline(() => written, TIMEOUT_MS, {
      clock,
      onTimeout: () =>
        failed('START_FAILED', `The container's first process did not go on within ${TIMEOUT_MS / 1_000} s`),
    })
  } finally {
    fifo.destroy()
  }
  rmSync(path, { force: true })
  return true
}
