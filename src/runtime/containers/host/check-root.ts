import { lstatSync, type Stats, statSync } from 'node:fs'
import { errorCode, invalidInput } from '../../../core/errors.ts'
import { type HeldDirectory, holdDirectory } from '../../linux/files/fd-path.ts'
import type { PreparedMount } from '../../ports.ts'

/** Where the kernel's own file systems are mounted; everything that masks and guards them relies on it. */
const SYSTEM_FOLDERS = ['proc', 'sys', 'dev']

/**
 * Places that only the host's own things may be mounted over. The runtime masks files with /dev/null and gives terminals
 * out of /dev/pts: whoever puts his own there, another container that shares the volume say, chooses what it mounts.
 */
const HOST_ONLY = ['/proc', '/sys', '/dev', '/dev/pts', '/dev/ptmx', '/dev/null', '/dev/console']

/**
 * Looks at a container's root before the runtime does. What an image (or an earlier run) put in the place of /proc, /sys or
 * /dev would lead the runtime astray; and a mount over them would take away what guards the host from the container.
 * Throws 400 naming the place.
 */
export function checkRoot(rootPath: string, mounts: readonly PreparedMount[]): void {
  using root = holdDirectory(rootPath)
  for (const name of SYSTEM_FOLDERS) {
    const kind = kindOf(root, name)
    if (kind === undefined || kind === 'directory') continue
    throw invalidInput(
      'BAD_ROOT',
      `The container's root has a ${kind} at /${name}: it must be a directory; build the image without it`,
    )
  }
  for (const { source, destination, type } of mounts) {
    const isFresh = type === 'tmpfs' && destination === '/dev'
    if (!HOST_ONLY.includes(destination) || isFresh || (type === 'bind' && isSame(source, destination))) continue
    throw invalidInput(
      'BAD_MOUNT_TARGET',
      `invalid mount config: ${JSON.stringify(destination)} cannot be mounted over: mount it somewhere else`,
    )
  }
}

function kindOf(root: HeldDirectory, name: string): string | undefined {
  const stats = ifThere(() => lstatSync(`${root.path}/${name}`))
  if (stats === undefined) return undefined
  if (stats.isDirectory()) return 'directory'
  return stats.isSymbolicLink() ? 'symbolic link' : 'file'
}

/** Whether a path of the host is the same thing as the host has at another. */
function isSame(path: string, other: string): boolean {
  const [one, two] = [path, other].map(name => ifThere(() => statSync(name)))
  return one !== undefined && two !== undefined && one.dev === two.dev && one.ino === two.ino
}

function ifThere(look: () => Stats): Stats | undefined {
  try {
    return look()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
