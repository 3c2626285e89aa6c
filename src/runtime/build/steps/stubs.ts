import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  unlinkSync,
  utimesSync,
} from 'node:fs'
import { errorCode } from '../../../core/errors.ts'
import {
  type HeldDirectory,
  holdDirectory,
  holdInside,
  O_PATH,
  openInside,
  splitInside,
} from '../../linux/files/fd-path.ts'

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const NOT_THERE = ['ENOENT', 'ENOTDIR', 'ELOOP']

/** A place that something is mounted on while a command runs. */
export interface MountPlace {
  readonly path: string
  readonly kind: 'file' | 'directory'
}

/** What the engine itself mounts in every container. */
const ENGINE_PLACES: readonly MountPlace[] = [
  ...['/dev', '/proc', '/sys'].map((path): MountPlace => ({ path, kind: 'directory' })),
  ...['/etc/hostname', '/etc/hosts', '/etc/resolv.conf'].map((path): MountPlace => ({ path, kind: 'file' })),
]

/** A directory as it was before, to tell whether the command itself changed it. */
interface Before {
  readonly atime: Date
  readonly mtime: Date
  readonly mark: string
}

/**
 * Files and directories that exist only to be mounted on. They are made before the command runs and taken out of what it
 * changed afterwards, times of the directories around them included: otherwise every first RUN on a small image would
 * leave empty directories in its layer.
 */
export class Stubs {
  readonly #made: { readonly parent: string; readonly name: string; readonly kind: MountPlace['kind'] }[] = []
  readonly #around = new Map<string, Before>()

  /** Makes what is missing in a root; what is there already stays as it is. */
  static make(rootPath: string, places: readonly MountPlace[]): Stubs {
    const stubs = new Stubs()
    using root = holdDirectory(rootPath)
    for (const { path, kind } of [...ENGINE_PLACES, ...places]) stubs.#make(root, splitInside(path), kind)
    return stubs
  }

  /** Takes out of an overlay's upper directory what was made, unless something is in it now. */
  clear(upperPath: string): void {
    using upper = holdDirectory(upperPath)
    for (const { parent, name, kind } of this.#made.toReversed()) {
      inside(upper, parent, held => {
        const isChanged = this.#isChanged(held, parent)
        remove(`${held.path}/${name}`, kind)
        const before = this.#around.get(parent)
        if (!isChanged && before !== undefined) utimesSync(`${held.path}/.`, before.atime, before.mtime)
      })
    }
    for (const place of [...this.#around.keys()].sort().toReversed()) this.#prune(upper, place)
  }

  #make(root: HeldDirectory, components: readonly string[], kind: MountPlace['kind']): void {
    for (const [index, name] of components.entries()) {
      const path = components.slice(0, index + 1).join('/')
      const isLast = index === components.length - 1
      if (exists(root, path)) continue
      using parent = holdInside(root, components.slice(0, index).join('/'))
      const place = readlinkSync(parent.path).slice(readlinkSync(root.path).length + 1)
      this.#remember(root, place)
      // A link that leads nowhere is the image's own; the runtime says what it thinks of it.
      if (!create(`${parent.path}/${name}`, isLast ? kind : 'directory')) return
      this.#made.push({ parent: place, name, kind: isLast ? kind : 'directory' })
      const before = this.#around.get(place)
      if (before !== undefined) utimesSync(`${parent.path}/.`, before.atime, before.mtime)
    }
  }

  /** Remembers a directory and all it is in: making something there copies them up. */
  #remember(root: HeldDirectory, place: string): void {
    const components = splitInside(place)
    for (let depth = components.length; depth >= 0; depth--) {
      const path = components.slice(0, depth).join('/')
      if (this.#around.has(path)) return
      using held = holdInside(root, path)
      const { atime, mtime } = lstatSync(`${held.path}/.`)
      this.#around.set(path, { atime, mtime, mark: markOf(held) })
    }
  }

  #isChanged(held: HeldDirectory, place: string): boolean {
    return this.#around.get(place)?.mark !== markOf(held)
  }

  /** Removes a directory that is in the upper one only because something was made in it. */
  #prune(upper: HeldDirectory, place: string): void {
    const components = splitInside(place)
    const name = components.at(-1)
    if (name === undefined || this.#made.some(made => join(made.parent, made.name) === place)) return
    inside(upper, place, held => {
      if (this.#isChanged(held, place) || readdirSync(held.path).length > 0) return
      inside(upper, components.slice(0, -1).join('/'), parent => {
        const { atime, mtime } = lstatSync(`${parent.path}/.`)
        rmdirSync(`${parent.path}/${name}`)
        utimesSync(`${parent.path}/.`, atime, mtime)
      })
    })
  }
}

function join(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`
}

/** To the millisecond: what was set back through a date has no finer time. */
function markOf(held: HeldDirectory): string {
  const { mtime, mode, uid, gid } = lstatSync(`${held.path}/.`)
  return [mtime.getTime(), mode, uid, gid].join(' ')
}

function exists(root: HeldDirectory, path: string): boolean {
  try {
    closeSync(openInside(root, path, O_PATH))
    return true
  } catch (error) {
    if (NOT_THERE.includes(errorCode(error) ?? '')) return false
    throw error
  }
}

function create(path: string, kind: MountPlace['kind']): boolean {
  try {
    if (kind === 'directory') mkdirSync(path, 0o755)
    else closeSync(openSync(path, CREATE, 0o644))
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Does something in a directory, unless it is gone. */
function inside(root: HeldDirectory, path: string, work: (held: HeldDirectory) => void): void {
  let held: HeldDirectory
  try {
    held = holdInside(root, path)
  } catch (error) {
    if (NOT_THERE.includes(errorCode(error) ?? '')) return
    throw error
  }
  using _released = held
  work(held)
}

function remove(path: string, kind: MountPlace['kind']): void {
  try {
    const stats = lstatSync(path)
    if (kind === 'directory' && stats.isDirectory()) rmdirSync(path)
    if (kind === 'file' && stats.isFile() && stats.size === 0) unlinkSync(path)
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY'].includes(errorCode(error) ?? '')) throw error
  }
}
