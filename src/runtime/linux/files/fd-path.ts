import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { errorCode, invalidInput } from '../../../core/errors.ts'
import { libcFunction } from '../process/libc.ts'

/** A descriptor that only says where something is: Node's constants leave it out. */
export const O_PATH = 0o10000000

const OPENAT2 = 437
const O_CLOEXEC = 0o2000000
const RESOLVE_NO_MAGICLINKS = 0x02
const RESOLVE_IN_ROOT = 0x10

const sysOpenat2 = libcFunction<[number, number, string, Uint8Array, number]>(
  'long syscall(long number, int directory, const char *path, const void *how, size_t size)',
)

/** A directory held open, so that what is done below it does not depend on what its path names by then. */
export interface HeldDirectory extends Disposable {
  readonly fd: number
  /** `/proc/self/fd/N`: append `/name` (one component) to use it with the calls of node:fs that do not follow links. */
  readonly path: string
}

/** Takes over a descriptor of a directory; it is closed with it. */
export function heldDirectory(fd: number): HeldDirectory {
  return { fd, path: `/proc/self/fd/${fd}`, [Symbol.dispose]: () => closeSync(fd) }
}

/** Holds a directory whose own path is trusted: the root of a container, or of a layer. */
export function holdDirectory(path: string): HeldDirectory {
  return heldDirectory(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC))
}

/**
 * Opens a path below a root as a process with that root would see it: absolute links and `..` start and stop at the root
 * (openat2 with RESOLVE_IN_ROOT), so nothing outside can be reached, even while somebody else changes the tree.
 */
export function openInside(root: HeldDirectory, path: string, flags: number, mode = 0): number {
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS
  const how = new BigUint64Array([BigInt(flags | O_CLOEXEC), BigInt(mode), BigInt(resolve)])
  return sysOpenat2(OPENAT2, root.fd, path === '' ? '.' : path, new Uint8Array(how.buffer), how.byteLength)
}

/** Holds a directory below a root. Throws a SyscallError: ENOENT, ENOTDIR, ELOOP. */
export function holdInside(root: HeldDirectory, path: string): HeldDirectory {
  return heldDirectory(openInside(root, path, O_PATH | constants.O_DIRECTORY))
}

/** Holds a directory by its name in one that is held. Throws ENOTDIR if it is a link by now. */
export function holdEntry({ path }: HeldDirectory, name: string): HeldDirectory {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC
  return heldDirectory(openSync(`${path}/${name}`, flags))
}

/** Holds a directory below a root, making what is missing of it; `onMade` gets the path of each new directory. */
export function makeInside(
  root: HeldDirectory,
  components: readonly string[],
  onMade: (path: string, depth: number) => void = () => {},
): HeldDirectory {
  try {
    return holdInside(root, components.join('/'))
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || components.length === 0) throw error
  }
  using parent = makeInside(root, components.slice(0, -1), onMade)
  const path = `${parent.path}/${components.at(-1)}`
  try {
    mkdirSync(path, 0o755)
    onMade(path, components.length)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
  return holdInside(root, components.join('/'))
}

/**
 * Splits a path into the components it has below a root; absolute paths start at the root.
 * Throws PATH_LEAVES_ROOT if `..` leads out, before any link is looked at.
 */
export function splitInside(path: string): string[] {
  const components: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') components.push(part)
    else if (components.pop() === undefined) {
      throw invalidInput('PATH_LEAVES_ROOT', `The path "${path}" leads out of its root: remove the ".." from it`)
    }
  }
  return components
}

/** Reads a small regular file below a root (`/etc/passwd` of a container); undefined if there is none. */
export function readFileInside(rootPath: string, path: string, bytesMax = 1 << 20): Buffer | undefined {
  using root = holdDirectory(rootPath)
  let fd: number
  try {
    fd = openInside(root, path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile()) return undefined
    if (stats.size > bytesMax) {
      throw invalidInput('FILE_TOO_LARGE', `The file ${path} has ${stats.size} bytes: at most ${bytesMax} are read`)
    }
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Whether there is a regular file, or nothing, below a root. Nothing is opened, so nothing can wait. */
export function isFileOrMissing(rootPath: string, path: string): boolean {
  using root = holdDirectory(rootPath)
  let fd: number
  try {
    fd = openInside(root, path, O_PATH)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return true
    throw error
  }
  try {
    return fstatSync(fd).isFile()
  } finally {
    closeSync(fd)
  }
}
