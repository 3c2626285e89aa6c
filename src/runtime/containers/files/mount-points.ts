import type { Stats } from 'node:fs'

/** Directories and files that the runtime makes in a root to mount something of every container there. */
const DIRECTORIES: ReadonlySet<string> = new Set(['dev', 'proc', 'sys', 'etc'])
const FILES: ReadonlySet<string> = new Set(['etc/hosts', 'etc/hostname', 'etc/resolv.conf'])

/** Whether something new in a container was made only for a mount: Docker counts that neither as a change nor as content. */
export function isMadeForMounts(path: string, stats: Pick<Stats, 'isDirectory' | 'isFile' | 'size'>): boolean {
  if (stats.isDirectory()) return DIRECTORIES.has(path)
  return FILES.has(path) && stats.isFile() && stats.size === 0
}
