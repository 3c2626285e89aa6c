import { close, constants, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { errorCode } from '../../core/errors.ts'
import { O_PATH } from './files/fd-path.ts'
import { libcFunction } from './process/libc.ts'

export const MOUNT_FLAGS = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  remount: 32,
  bind: 4096,
  recursive: 16384,
  private: 1 << 18,
  shared: 1 << 20,
} as const

const UMOUNT_DETACH = 2
const OPEN_TREE = 428
const MOVE_MOUNT = 429
const MOVE_MOUNT_F_EMPTY_PATH = 0x04
const MOVE_MOUNT_T_EMPTY_PATH = 0x40
const MOUNT_SETATTR = 442
const MOUNT_ATTR_RDONLY = 1n
const AT_EMPTY_PATH = 0x1000
const OPEN_TREE_CLONE = 1
const O_CLOEXEC = 0o2000000
const AT_RECURSIVE = 0x8000

const sysMount = libcFunction<[string, string, string, bigint, string]>(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
)
const sysUmount = libcFunction<[string, number]>('int umount2(const char *target, int flags)')

const sysOpenTree = libcFunction<[number, number, string, number]>(
  'long syscall(long number, int directory, const char *path, unsigned int flags)',
)

const sysMoveMount = libcFunction<[number, number, string, number, string, number]>(
  'long syscall(long number, int from, const char *fromPath, int to, const char *toPath, unsigned int flags)',
)
const sysMountSetattr = libcFunction<[number, number, string, number, Uint8Array, number]>(
  'long syscall(long number, int directory, const char *path, unsigned int flags, const void *attr, size_t size)',
)

export interface MountRequest {
  readonly source: string
  readonly target: string
  readonly type?: string
  /** A sum of {@link MOUNT_FLAGS}. */
  readonly flags?: number
  readonly data?: string
}

/** mount(2), on the calling thread. Throws a SyscallError. */
export function mount({ source, target, type = '', flags = 0, data = '' }: MountRequest): void {
  sysMount(source, target, type, BigInt(flags), data)
}

/** Unmounts lazily, so that a busy mount goes away as soon as it can; a target that is not mounted is fine. */
export function unmount(target: string): void {
  try {
    sysUmount(target, UMOUNT_DETACH)
  } catch (error) {
    if (!['EINVAL', 'ENOENT'].includes(errorCode(error) ?? '')) throw error
  }
}

const closeAside = promisify(close)

/**
 * As {@link unmount}, for a file system that is written to disk when its last mount goes: an overlay writes down all that the
 * disk below it has not yet, whoever wrote it. A thread waits for that, and not the whole process: the mount is held until
 * it is taken out of the tree, and let go of there.
 */
export async function unmountAside(target: string): Promise<void> {
  let held: number
  try {
    held = openSync(target, O_PATH | constants.O_DIRECTORY)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return
    throw error
  }
  try {
    unmount(target)
  } finally {
    await closeAside(held)
  }
}

/**
 * Clones what is mounted at a path, with what is mounted below it, as a tree of its own that no path leads to and that ends
 * with its last descriptor. Gives one.
 */
export function cloneMounts(path: string): number {
  return sysOpenTree(OPEN_TREE, -100, path, OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE)
}

/** Puts a tree that {@link cloneMounts} gave in the place that a descriptor holds, whatever its path is by then. */
export function attachMounts(tree: number, place: number): void {
  sysMoveMount(MOVE_MOUNT, tree, '', place, '', MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
}

/** Makes a mount that a descriptor of its root holds read-only, or also every mount below it. */
export function makeReadOnly(tree: number, reach: 'alone' | 'with mounts below'): void {
  const attributes = new BigUint64Array([MOUNT_ATTR_RDONLY, 0n, 0n, 0n])
  const bytes = new Uint8Array(attributes.buffer)
  const flags = AT_EMPTY_PATH | (reach === 'alone' ? 0 : AT_RECURSIVE)
  sysMountSetattr(MOUNT_SETATTR, tree, '', flags, bytes, bytes.byteLength)
}
