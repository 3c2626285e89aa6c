import { lstatSync, statfsSync } from 'node:fs'
import { errorCode, invalidInput } from '../../../core/errors.ts'
import { type HeldDirectory, holdDirectory } from '../../linux/fd-path.ts'
import type { PreparedMount } from '../../ports.ts'

/** Where the kernel's own file systems are mounted; everything that masks and guards them relies on it. */
const SYSTEM_FOLDERS = ['proc', 'sys', 'dev']

const FILE_SYSTEMS: Readonly<Record<string, number>> = { '/proc': 0x9fa0, '/sys': 0x62656572 }

/**
 * Looks at a container's root before the runtime does. What an image (or an earlier run) put in the place of /proc, /sys or
 * /dev would lead the runtime astray; and a mount over /proc or /sys would take away what guards the host from the container.
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
    const magic = FILE_SYSTEMS[destination]
    if (magic === undefined || (type === 'bind' && statfsSync(source).type === magic)) continue
    throw invalidInput(
      'BAD_MOUNT_TARGET',
      `invalid mount config: ${JSON.stringify(destination)} cannot be mounted over: mount it somewhere else`,
    )
  }
}

function kindOf(root: HeldDirectory, name: string): string | undefined {
  try {
    const stats = lstatSync(`${root.path}/${name}`)
    if (stats.isDirectory()) return 'directory'
    return stats.isSymbolicLink() ? 'symbolic link' : 'file'
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
