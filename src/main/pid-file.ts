import { readFile, rm, writeFile } from 'node:fs/promises'
import { conflict, errorCode } from '../core/errors.ts'

/**
 * Writes this process's id to a file, which `release` deletes. Throws 409 `ALREADY_RUNNING` if the process named
 * in it lives; a file left by a dead one is replaced.
 */
export async function holdPidFile(path: string): Promise<{ readonly release: () => Promise<void> }> {
  const pid = await readPid(path)
  if (pid !== undefined && pid !== process.pid && isAlive(pid)) {
    throw conflict(
      'ALREADY_RUNNING',
      `Process ${pid} of ${path} is still running: stop it, or choose another --pidfile`,
    )
  }
  await writeFile(path, `${process.pid}\n`)
  return { release: () => rm(path, { force: true }) }
}

async function readPid(path: string): Promise<number | undefined> {
  try {
    const pid = Number.parseInt(await readFile(path, 'utf8'), 10)
    return Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}
