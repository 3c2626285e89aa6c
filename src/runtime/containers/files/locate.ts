import { fstatSync, lstatSync, readlinkSync, type Stats, statfsSync } from 'node:fs'
import { posix } from 'node:path'
import { cleanPath } from '../../../core/clean-path.ts'
import { errorCode, invalidInput, notFound, type ShoalError } from '../../../core/errors.ts'
import { type HeldDirectory, holdEntry, holdInside } from '../../linux/files/fd-path.ts'

/** As many links as the kernel itself follows. */
const LINKS_MAX = 40

/** File systems that show the kernel's state, not files: nothing is copied from or to them. Source: linux/magic.h. */
const KERNEL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x1cd1, // devpts
  0x19800202, // mqueue
  0x73636673, // securityfs
  0x64626720, // debugfs
  0x74726163, // tracefs
  0xcafe4a11, // bpf
])

/** Where a path of a client leads in a container: a directory that is held open, and a name in it that is not followed. */
export interface Located extends Disposable {
  readonly parent: HeldDirectory
  /** `.` for the directory itself: the path ended with a slash or with a dot. */
  readonly name: string
  /** The last component as Docker names it: `srv` for `/srv/`, `.` for `/srv/.`, `/` for the root. */
  readonly base: string
  readonly stats: Stats
}

/**
 * Finds what a path names. Links are followed on the way, inside the root, but not the last component, unless the path
 * ends with a slash or a dot: then it must lead to a directory. `container` is what the client called it.
 */
export function locate(root: HeldDirectory, path: string, container: string): Located {
  const clean = cleanPath(path)
  const isDot = posix.basename(path) === '.'
  const wantsDirectory = clean === '/' || path.endsWith('/') || isDot
  const name = wantsDirectory ? '.' : posix.basename(clean)
  const base = isDot ? '.' : posix.basename(clean) || '/'
  try {
    const parent = holdInside(root, wantsDirectory ? clean : posix.dirname(clean))
    try {
      if (isKernelFileSystem(parent)) throw noSuchFile(path, container)
      const stats = lstatSync(`${parent.path}/${name}`)
      return { parent, name, base, stats, [Symbol.dispose]: () => parent[Symbol.dispose]() }
    } catch (error) {
      parent[Symbol.dispose]()
      throw error
    }
  } catch (error) {
    throw pathError(error, path, container)
  }
}

/** Holds the directory that was found; it may be something else by now. */
export function holdLocated({ parent, name }: Located, path: string, container: string): HeldDirectory {
  try {
    return holdEntry(parent, name)
  } catch (error) {
    throw pathError(error, path, container)
  }
}

export function isKernelFileSystem(directory: HeldDirectory): boolean {
  return KERNEL_FILE_SYSTEMS.has(statfsSync(`${directory.path}/.`).type)
}

/** Holds the directory that an archive shall be unpacked in. */
export function holdTarget(root: HeldDirectory, path: string, container: string): HeldDirectory {
  try {
    const target = holdInside(root, cleanPath(path))
    if (!isKernelFileSystem(target)) return target
    target[Symbol.dispose]()
    throw noSuchFile(path, container)
  } catch (error) {
    if (errorCode(error) === 'ENOTDIR') {
      throw invalidInput('NOT_A_DIRECTORY', 'extraction point is not a directory')
    }
    throw pathError(error, path, container)
  }
}

/** Device and inode of a directory, by which it is known again whatever path leads to it; undefined if there is none. */
export function identityInside(root: HeldDirectory, path: string): string | undefined {
  try {
    using found = holdInside(root, path)
    return identityOf(fstatSync(found.fd))
  } catch {
    return undefined
  }
}

export function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`
}

/** Where a link leads, as an absolute path of the container; it need not exist. Only shown, never used to open anything. */
export function linkTarget(root: HeldDirectory, path: string): string {
  const pending = cleanPath(path).split('/')
  let at = '/'
  for (let links = 0; pending.length > 0; ) {
    const next = pending.shift() ?? ''
    const to = posix.join(at, next)
    const link = next === '' ? undefined : readLink(root, at, next)
    if (link === undefined || ++links > LINKS_MAX) at = to
    else {
      pending.unshift(...link.split('/'))
      if (link.startsWith('/')) at = '/'
    }
  }
  return at
}

function readLink(root: HeldDirectory, directory: string, name: string): string | undefined {
  try {
    using parent = holdInside(root, directory)
    return readlinkSync(`${parent.path}/${name}`)
  } catch {
    return undefined
  }
}

function noSuchFile(path: string, container: string): ShoalError {
  return notFound('NO_SUCH_FILE', `Could not find the file ${path} in container ${container}`)
}

function pathError(error: unknown, path: string, container: string): unknown {
  switch (errorCode(error)) {
    case 'ENOENT':
      return noSuchFile(path, container)
    case 'ENOTDIR':
      return invalidInput('NOT_A_DIRECTORY', `lstat ${path}: not a directory`)
    case 'ELOOP':
      return invalidInput('TOO_MANY_LINKS', `lstat ${path}: too many levels of symbolic links`)
    case 'ENAMETOOLONG':
      return invalidInput('NAME_TOO_LONG', `lstat ${path.slice(0, 100)}…: file name too long`)
    default:
      return error
  }
}
