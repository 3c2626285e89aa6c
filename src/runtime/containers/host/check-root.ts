import { lstatSync, type Stats, statSync } from 'node:fs'
import { errorCode, invalidInput } from '../../../core/errors.ts'
import { type HeldDirectory, holdDirectory } from '../../linux/files/fd-path.ts'
import { whereLinksLead } from '../../linux/files/where-links-lead.ts'
import type { PreparedMount } from '../../ports.ts'
import { isBelow } from './nested-mounts.ts'

/** Where the kernel's own file systems are mounted; everything that masks and guards them relies on it. */
const SYSTEM_FOLDERS = ['proc', 'sys', 'dev']

/**
 * Places that only the host's own things may be mounted over. The runtime masks files with /dev/null and gives terminals
 * out of /dev/pts: whoever puts his own there, another container that shares the volume say, chooses what it mounts.
 */
const HOST_ONLY = ['/proc', '/sys', '/dev', '/dev/pts', '/dev/ptmx', '/dev/null', '/dev/console']

/** What of these folders an image's links may lead a mount to. */
const SHARED_MEMORY = ['/dev/shm', '/dev/mqueue']

/**
 * Looks at a container's root before the runtime does. What an image (or an earlier run) put in the place of /proc, /sys or
 * /dev would lead the runtime astray; and a mount over them would take away what guards the host from the container.
 * Throws 400 naming the place. Returns the mounts with the places to which links of the root lead.
 */
export function checkRoot(rootPath: string, mounts: readonly PreparedMount[]): readonly PreparedMount[] {
  using root = holdDirectory(rootPath)
  for (const name of SYSTEM_FOLDERS) {
    const kind = kindOf(root, name)
    if (kind === undefined || kind === 'directory') continue
    throw invalidInput(
      'BAD_ROOT',
      `The container's root has a ${kind} at /${name}: it must be a directory; build the image without it`,
    )
  }
  return mounts.map(mount => {
    const isNested = mounts.some(other => isBelow(mount.destination, other.destination))
    // What lies below another mount is looked for in that one, and not in the root.
    const destination = isNested ? mount.destination : `/${whereLinksLead(root, mount.destination).join('/')}`
    checkPlace(mount, destination)
    return destination === mount.destination ? mount : { ...mount, destination }
  })
}

function checkPlace({ source, destination: asked, type }: PreparedMount, destination: string): void {
  const isFresh = type === 'tmpfs' && destination === '/dev'
  const isHostOnly = HOST_ONLY.includes(destination) && !isFresh && !(type === 'bind' && isSame(source, destination))
  const isLedAstray = asked !== destination && SYSTEM_FOLDERS.some(name => isBelow(destination, `/${name}`))
  // The runtime itself refuses other mounts there.
  const isInsideProc = type === 'tmpfs' && isBelow(destination, '/proc')
  if (!isHostOnly && !isInsideProc && (!isLedAstray || SHARED_MEMORY.includes(destination))) return
  const leads = asked === destination ? '' : `, to which ${JSON.stringify(asked)} leads in this image,`
  throw invalidInput(
    'BAD_MOUNT_TARGET',
    `invalid mount config: ${JSON.stringify(destination)}${leads} cannot be mounted over: mount it somewhere else`,
  )
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
