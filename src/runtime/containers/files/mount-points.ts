import type { Stats } from 'node:fs'

/** Directories and files that the runtime makes in a root to mount something of every container there. */
const DIRECTORIES: ReadonlySet<string> = new Set(['dev', 'proc', 'sys', 'etc'])
const FILES: ReadonlySet<string> = new Set(['etc/hosts', 'etc/hostname', 'etc/resolv.conf'])

/** What mounts of every container leave in a writable layer, and what may lie below it. */
const LEFT_BEHIND: ReadonlySet<string> = new Set([
  ...FILES,
  'dev/console',
  'dev/mqueue',
  'dev/pts',
  'dev/shm',
  'proc',
  'sys',
])

/** Whether a path of a writable layer is there for a mount, and so no content of an image made of it. */
export function isMountPoint(path: string): boolean {
  return LEFT_BEHIND.has(path)
}

/** Whether something new in a container was made only for a mount: Docker counts that neither as a change nor as content. */
export function isMadeForMounts(path: string, stats: Pick<Stats, 'isDirectory' | 'isFile' | 'size'>): boolean {
  if (stats.isDirectory()) return DIRECTORIES.has(path)
  return FILES.has(path) && stats.isFile() && stats.size === 0
}
