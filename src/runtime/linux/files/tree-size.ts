import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises'

/** What lies deeper is not counted: each level holds a descriptor, and whoever fills a tree chooses its depth. */
const DEPTH_MAX = 100
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/**
 * Bytes in the files below a directory; hard links count once, directories nothing, as in `docker system df`. It is walked
 * by descriptor, since containers may put links in the way meanwhile. What disappears on the way is not counted.
 */
export async function sizeOfTree(path: string, signal?: AbortSignal): Promise<number> {
  const seen = new Set<string>()
  const walk = async (directory: FileHandle, depth: number): Promise<number> => {
    const at = `/proc/self/fd/${directory.fd}`
    let bytes = 0
    for (const name of await readdir(at)) {
      signal?.throwIfAborted()
      const stats = await lstat(`${at}/${name}`).catch(() => undefined)
      if (stats === undefined) continue
      if (stats.isDirectory()) {
        if (depth < DEPTH_MAX) bytes += await inDirectory(`${at}/${name}`, child => walk(child, depth + 1))
        continue
      }
      const inode = `${stats.dev}:${stats.ino}`
      if (stats.nlink > 1 && seen.has(inode)) continue
      if (stats.nlink > 1) seen.add(inode)
      bytes += stats.size
    }
    return bytes
  }
  return inDirectory(path, directory => walk(directory, 0))
}

async function inDirectory(path: string, work: (directory: FileHandle) => Promise<number>): Promise<number> {
  let directory: FileHandle
  try {
    directory = await open(path, DIRECTORY)
  } catch {
    return 0
  }
  try {
    return await work(directory)
  } finally {
    await directory.close()
  }
}
