import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { errorCode } from '../../../core/errors.ts'
import { libcFunction } from '../process/libc.ts'
import { diskError } from './disk-error.ts'

const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4

const sysFlock = libcFunction<[number, number]>('int flock(int fd, int operation)')

export type FileLock =
  | { readonly held: true; readonly release: () => void }
  /** `holder` is the pid its holder wrote, if it can be read. */
  | { readonly held: false; readonly holder: string }

/**
 * Takes an exclusive lock on a file, made if missing, and writes our pid into it. The kernel drops the lock when this
 * process ends, however it ends; descriptors are closed on exec, so children never keep it. Throws DISK_FULL or WRITE_FAILED.
 */
export function lockFile(path: string): FileLock {
  const fd = openSync(path, 'a+', 0o600)
  try {
    sysFlock(fd, LOCK_EX | LOCK_NB)
  } catch (error) {
    closeSync(fd)
    if (!['EAGAIN', 'EWOULDBLOCK'].includes(errorCode(error) ?? '')) throw error
    return { held: false, holder: readFileSync(path, 'utf8').trim() }
  }
  try {
    ftruncateSync(fd)
    writeSync(fd, `${process.pid}\n`)
  } catch (error) {
    closeSync(fd)
    throw diskError(path, error)
  }
  return { held: true, release: () => closeSync(fd) }
}

/** Who has the lock of a file; undefined if nobody has, or there is no such file. Takes it for a moment only. */
export function lockHolder(path: string): string | undefined {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    sysFlock(fd, LOCK_SH | LOCK_NB)
    return undefined
  } catch (error) {
    if (!['EAGAIN', 'EWOULDBLOCK'].includes(errorCode(error) ?? '')) throw error
    return readFileSync(path, 'utf8').trim()
  } finally {
    closeSync(fd)
  }
}
