import { execFile } from 'node:child_process'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { errorCode, errorMessage, failed } from '../../core/errors.ts'
import { type HeldDirectory, holdDirectory, holdInside } from '../linux/files/fd-path.ts'

const COPY_TIMEOUT_MS = 10 * 60_000

/**
 * Copies a directory of a container's root into a volume, with owners, modes, links and attributes, and gives the
 * volume's directory the attributes of the source. The directory is found by descriptor below the root, so a link in the
 * image leads nowhere else. Does nothing if the image has no such directory.
 *
 * The file `mark` exists while the copy is unfinished.
 */
export async function copyFromRoot(
  rootPath: string,
  path: string,
  volume: { data: string; mark: string },
): Promise<void> {
  using root = holdDirectory(rootPath)
  using source = findDirectory(root, path)
  if (source === undefined) return
  await writeFile(volume.mark, '')
  try {
    // The child would not inherit our descriptor, but it may look at it through our own /proc entry.
    const from = `/proc/${process.pid}/fd/${source.fd}/.`
    await promisify(execFile)('cp', ['-a', from, volume.data], { timeout: COPY_TIMEOUT_MS })
  } catch (error) {
    throw failed(
      'COPY_UP_FAILED',
      `Cannot copy the image's files at ${path} into the volume (cp -a): ${errorMessage(error)}`,
      {
        cause: error,
      },
    )
  }
  await rm(volume.mark, { force: true })
}

function findDirectory(root: HeldDirectory, path: string): HeldDirectory | undefined {
  try {
    return holdInside(root, path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
}

export async function isEmptyDirectory(path: string): Promise<boolean> {
  return (await readdir(path)).length === 0
}
