import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemRandom } from '../../../core/random.ts'

/**
 * Replaces a file so that after a crash it holds the old text or the new one, never a part: written beside, synced to
 * disk, then renamed.
 */
export function writeDurably(path: string, text: string | Uint8Array, mode = 0o600): Promise<void> {
  return replaceBy(`${path}.tmp`, path, { text, mode })
}

/** The same for a file that several may write at a time: each has a draft of its own, and the last one stays. */
export function writeSharedDurably(path: string, text: string | Uint8Array, mode = 0o600): Promise<void> {
  return replaceBy(`${path}.${systemRandom.bytes(6).toString('hex')}.tmp`, path, { text, mode })
}

interface Written {
  readonly text: string | Uint8Array
  readonly mode: number
}

async function replaceBy(temporary: string, path: string, { text, mode }: Written): Promise<void> {
  try {
    const file = await open(temporary, 'w', mode)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/** Makes renames and deletions in a directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
