import { mkdir, statfs } from 'node:fs/promises'
import { MOUNT_FLAGS, mount } from '../mount.ts'

/** Of statfs(2): tmpfs and ramfs. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6])

/** Makes a directory that only root may enter and whose files are in memory, as /run is on most hosts; where it is not, by a mount. */
export async function ensureMemory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { type } = await statfs(directory)
  if (IN_MEMORY.has(type)) return
  const flags = MOUNT_FLAGS.noSuid + MOUNT_FLAGS.noDev + MOUNT_FLAGS.noExec
  mount({ source: 'tmpfs', target: directory, type: 'tmpfs', flags, data: 'mode=0700' })
}
