import { closeSync, existsSync, openSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { invariant } from '../../../core/invariant.ts'
import { MOUNT_FLAGS, mount, unmount } from '../mount.ts'
import { libcFunction } from './libc.ts'

/**
 * The only file that calls unshare and setns. Both move the calling thread alone, so each bracket below is synchronous:
 * it enters, calls a synchronous function and goes back before the event loop or another thread can notice.
 */

const CLONE_NEWNET = 0x40000000
const CLONE_NEWNS = 0x00020000
const NSFS_MAGIC = 0x6e736673

const sysUnshare = libcFunction<[number]>('int unshare(int flags)')
const sysSetns = libcFunction<[number, number]>('int setns(int fd, int nstype)')
const sysFchdir = libcFunction<[number]>('int fchdir(int fd)')

const OWN_NETNS = '/proc/thread-self/ns/net'
const OWN_MOUNTS = '/proc/thread-self/ns/mnt'

/**
 * Makes a network namespace, pins it to `path` (an empty file is made there) and calls `act` inside of it.
 *
 * Whoever has the path can enter the namespace until it is unmounted, also after this process has ended.
 */
export function createNetworkNamespace<T>(path: string, act: () => T): T {
  writeFileSync(path, '')
  try {
    return bracket(() => {
      sysUnshare(CLONE_NEWNET)
      mount({ source: OWN_NETNS, target: path, flags: MOUNT_FLAGS.bind })
      return act()
    })
  } catch (error) {
    deleteNetworkNamespace(path)
    throw error
  }
}

/** Unpins a network namespace; it ends with its last process or open descriptor. One that is gone is fine. */
export function deleteNetworkNamespace(path: string): void {
  unmount(path)
  rmSync(path, { force: true })
}

/** Whether `path` is a pinned network namespace, and not the file a reboot left behind. */
export function isNetworkNamespace(path: string): boolean {
  return existsSync(path) && statfsSync(path).type === NSFS_MAGIC
}

/** Calls `act` inside the network namespace pinned to `path`. */
export function insideNetworkNamespace<T>(path: string, act: () => T): T {
  const target = openSync(path, 'r')
  try {
    return bracket(() => {
      sysSetns(target, CLONE_NEWNET)
      return act()
    })
  } finally {
    closeSync(target)
  }
}

function bracket<T>(act: () => T): T {
  const home = openSync(OWN_NETNS, 'r')
  try {
    const result = act()
    invariant(!(result instanceof Promise), 'a namespace bracket must not wait')
    return result
  } finally {
    sysSetns(home, CLONE_NEWNET)
    closeSync(home)
  }
}

/**
 * Calls `act` in a mount namespace of its own, which ends with the call: what it mounts nobody else sees, and only what it
 * clones as a detached tree outlives it.
 */
export function insideOwnMounts<T>(act: () => T): T {
  const home = openSync(OWN_MOUNTS, 'r')
  const place = openSync('.', 'r')
  try {
    sysUnshare(CLONE_NEWNS)
    try {
      mount({ source: 'none', target: '/', flags: MOUNT_FLAGS.recursive | MOUNT_FLAGS.private })
      const result = act()
      invariant(!(result instanceof Promise), 'a namespace bracket must not wait')
      return result
    } finally {
      sysSetns(home, CLONE_NEWNS)
      // Entering a mount namespace also goes to its root.
      sysFchdir(place)
    }
  } finally {
    closeSync(place)
    closeSync(home)
  }
}
