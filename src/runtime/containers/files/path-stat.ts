import { constants, type Stats } from 'node:fs'
import type { PathStat } from '../../../docker-api/index.ts'
import type { HeldDirectory } from '../../linux/files/fd-path.ts'
import { type Located, linkTarget } from './locate.ts'

/** Bits of Go's os.FileMode. Source: the documentation of its package io/fs. */
const GO_MODE = {
  directory: 2 ** 31,
  symlink: 2 ** 27,
  device: 2 ** 26,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  setuid: 2 ** 23,
  setgid: 2 ** 22,
  character: 2 ** 21,
  sticky: 2 ** 20,
} as const

const TYPES: Readonly<Record<number, number>> = {
  [constants.S_IFDIR]: GO_MODE.directory,
  [constants.S_IFLNK]: GO_MODE.symlink,
  [constants.S_IFBLK]: GO_MODE.device,
  [constants.S_IFCHR]: GO_MODE.device + GO_MODE.character,
  [constants.S_IFIFO]: GO_MODE.fifo,
  [constants.S_IFSOCK]: GO_MODE.socket,
}

/** A file's mode as Go counts it, which is how clients read it. */
export function goFileMode(mode: number): number {
  const special = [
    [0o4000, GO_MODE.setuid],
    [0o2000, GO_MODE.setgid],
    [0o1000, GO_MODE.sticky],
  ] as const
  const set = special.reduce((sum, [bit, goBit]) => sum + ((mode & bit) === 0 ? 0 : goBit), 0)
  return (TYPES[mode & constants.S_IFMT] ?? 0) + set + (mode & 0o777)
}

/** What clients learn of a path before they copy from or to it. `path` is the one they gave. */
export function pathStatOf(root: HeldDirectory, { base, stats }: Located, path: string): PathStat {
  return {
    name: base,
    size: stats.size,
    mode: goFileMode(stats.mode),
    mtime: timeText(stats),
    linkTarget: stats.isSymbolicLink() ? linkTarget(root, path) : '',
  }
}

function timeText({ mtimeMs }: Stats): string {
  return new Date(mtimeMs).toISOString()
}
