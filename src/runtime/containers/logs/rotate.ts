import { constants } from 'node:fs'
import { link, open, rename, rm, stat } from 'node:fs/promises'
import { type Clock, sleep } from '../../../core/clock.ts'
import { errorCode, failed } from '../../../core/errors.ts'
import type { LogLimits } from './log-config.ts'
import { rotatedPath } from './log-files.ts'

/** conmon's control message "open the log anew": it writes a fresh file and renames it over the log's path. */
const REOPEN_LOG = '2 0 0\n'
const REOPEN_TIMEOUT_MS = 2_000

/** Asks conmon, through its control fifo, to go on in a new log file. False if no conmon is there any more. */
export async function reopenLog(controlPath: string): Promise<boolean> {
  try {
    await using fifo = await open(controlPath, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    await fifo.write(REOPEN_LOG)
    return true
  } catch (error) {
    if (['ENXIO', 'ENOENT'].includes(errorCode(error) ?? '')) return false
    throw error
  }
}

/**
 * Rotates a log that has grown over its limit; resolves true if it did. Nothing that is written meanwhile is lost: the
 * old file gets its second name before conmon leaves it. One call at a time for each log; safe to repeat after a crash.
 */
export async function rotateLog(
  path: string,
  { bytesMax, filesMax }: LogLimits,
  ports: { readonly clock: Clock; readonly reopen: () => Promise<boolean> },
): Promise<boolean> {
  const current = await statFile(path)
  if (current === undefined || current.size < bytesMax) return false
  if (filesMax > 1 && (await statFile(rotatedPath(path, 1)))?.ino !== current.ino) {
    await rm(rotatedPath(path, filesMax - 1), { force: true })
    for (let index = filesMax - 2; index >= 1; index--) {
      await renameIfThere(rotatedPath(path, index), rotatedPath(path, index + 1))
    }
    await link(path, rotatedPath(path, 1))
  }
  if (!(await ports.reopen())) return false
  const deadlineMs = ports.clock.monotonicMs() + REOPEN_TIMEOUT_MS
  while ((await statFile(path))?.ino === current.ino) {
    if (ports.clock.monotonicMs() > deadlineMs) {
      throw failed(
        'LOG_REOPEN_FAILED',
        `conmon did not reopen ${path} within ${REOPEN_TIMEOUT_MS / 1000} s; it will be asked again`,
      )
    }
    await sleep(ports.clock, 5)
  }
  return true
}

async function statFile(path: string): Promise<{ ino: number; size: number } | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
}
