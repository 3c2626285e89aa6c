import { readdir, rm, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../../core/errors.ts'
import { mapParallel } from '../../../core/parallel.ts'

/** Of one directory; more would only fill the queue of the threads that do it. */
const PARALLEL = 8

/** Deletes a file or link; one that is not there is fine. Throws as unlink(2) does. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
}

/**
 * Deletes a directory and all below it, and follows no link; one that is not there is fine. It does what `rm` of Node does
 * with a third of its system calls: a directory's entries say what they are, so none is looked at by itself. What is not
 * as it was read gets the treatment of `rm`, which also says what went wrong.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await removeDirectory(path)
  } catch (error) {
    const isGone = errorCode(error) === 'ENOENT' && (error as NodeJS.ErrnoException).path === path
    if (!isGone) await rm(path, { recursive: true, force: true })
  }
}

async function removeDirectory(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true })
  await mapParallel(entries, PARALLEL, entry => {
    const below = join(path, entry.name)
    return entry.isDirectory() ? removeDirectory(below) : unlink(below)
  })
  await rmdir(path)
}
