import { lstat, readdir } from 'node:fs/promises'
import { errorCode } from '../../../core/errors.ts'
import { type HeldDirectory, holdDirectory, holdEntry } from '../../linux/fd-path.ts'
import type { ContainerRecord } from '../record.ts'
import type { Room } from '../room.ts'
import { upperOf } from './changes.ts'
import { identityOf } from './locate.ts'

export interface ContainerSizes {
  /** Bytes of files in the writable layer. */
  readonly SizeRw: number
  /** The same and the bytes of the image. */
  readonly SizeRootFs: number
}

/** What the files of a container take. Files with several names count once. */
export async function sizesOf(room: Room, { id, imageId }: ContainerRecord): Promise<ContainerSizes> {
  const SizeRw = await writtenBytes(room, id)
  return { SizeRw, SizeRootFs: SizeRw + (await room.roots.imageBytes(id, imageId)) }
}

export async function writtenBytes(room: Pick<Room, 'roots'>, id: string): Promise<number> {
  const upper = await upperOf(room, id)
  if (upper === undefined) return 0
  try {
    using directory = holdDirectory(upper)
    return await bytesBelow(directory, new Set())
  } catch (error) {
    // Removed meanwhile.
    if (errorCode(error) === 'ENOENT') return 0
    throw error
  }
}

async function bytesBelow(directory: HeldDirectory, seen: Set<string>): Promise<number> {
  let bytes = 0
  for (const name of await readdir(directory.path)) {
    try {
      const stats = await lstat(`${directory.path}/${name}`)
      if (stats.isDirectory()) {
        using below = holdEntry(directory, name)
        bytes += await bytesBelow(below, seen)
      } else if (stats.nlink < 2 || !seen.has(identityOf(stats))) {
        bytes += stats.size
        if (stats.nlink > 1) seen.add(identityOf(stats))
      }
    } catch (error) {
      // What a container deletes or replaces meanwhile counts no more.
      if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) throw error
    }
  }
  return bytes
}
