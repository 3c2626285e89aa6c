import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A character or block device as its node on the host has it. */
export interface DeviceNode {
  /** Where it was found. */
  readonly path: string
  readonly type: 'b' | 'c'
  readonly major: number
  readonly minor: number
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** Undefined for what is no device. Links are followed. Throws what stat(2) fails with. */
export async function readDeviceNode(path: string): Promise<DeviceNode | undefined> {
  const stats = await stat(path)
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return undefined
  const { rdev, mode, uid, gid } = stats
  // The encoding of dev_t in the C library's makedev.
  const major = ((rdev >>> 8) & 0xfff) | 0
  const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)
  return { path, type: stats.isBlockDevice() ? 'b' : 'c', major, minor, mode: mode & 0o777, uid, gid }
}

/** The device nodes in a folder and below it, but those whose names `skip` has directly in it. Links are left out. */
export async function deviceNodesBelow(folder: string, skip: readonly string[] = []): Promise<DeviceNode[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const found = await Promise.all(
    entries.map(async entry => {
      const path = join(folder, entry.name)
      if (skip.includes(entry.name)) return []
      if (entry.isDirectory()) return deviceNodesBelow(path)
      if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return []
      // It may have been unplugged since.
      const node = await readDeviceNode(path).catch(() => undefined)
      return node === undefined ? [] : [node]
    }),
  )
  return found.flat()
}

/** A device, or the devices in a folder. `path` of each is below `path` as given, also where that is a link. */
export async function deviceNodesAt(path: string): Promise<DeviceNode[]> {
  const real = await realpath(path)
  const node = await readDeviceNode(real)
  if (node !== undefined) return [{ ...node, path }]
  if (!(await stat(real)).isDirectory()) return []
  return (await deviceNodesBelow(real)).map(found => ({ ...found, path: join(path, found.path.slice(real.length)) }))
}
