import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { errorCode, invalidInput } from '../../../core/errors.ts'
import { unreachable } from '../../../core/invariant.ts'
import { type HeldDirectory, holdDirectory, holdInside, splitInside } from '../../linux/files/fd-path.ts'
import { makeNode, setXattr } from '../../linux/files/xattr.ts'
import { DirectoryCache } from './directory-cache.ts'
import type { TarEntry } from './header.ts'
import type { TarHandler } from './reader.ts'
import { entryError, tooLarge, type UnpackLimits } from './unpack-error.ts'
import { layerMeaning, OPAQUE_XATTR } from './whiteout.ts'

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
/** PATH_MAX: nothing could be opened by a longer name. */
const NAME_CHARS_MAX = 4_096
/** Names of directories are kept until the end, to set their times. */
const NAMES_BYTES_MAX = 256 << 20
const NODE_TYPES = { char: 0o020000, block: 0o060000, fifo: 0o010000 } as const

export interface TreeWriterOptions {
  readonly limits: UnpackLimits
  /** Turn `.wh.` names into overlayfs' form. Only for layers; elsewhere they are files like others. */
  readonly whiteouts: boolean
  /** Let a directory entry fill the directory that a link of its name leads to, instead of replacing the link. */
  readonly keepDirectoryLinks?: boolean
  /** Where names begin: links on the way there are followed inside the directory, but no name leads out of it again. */
  readonly base?: readonly string[]
  /** Refuse to replace a directory by something else, and something else by a directory. */
  readonly noOverwriteDirNonDir?: boolean
  /** Refuse devices and pipes: what only carries files has none. */
  readonly noDevices?: boolean
  /** Owner for everything, instead of the archive's. */
  readonly owner?: { readonly uid: number; readonly gid: number }
}

interface OpenFile {
  readonly fd: number
  readonly path: string
  readonly entry: TarEntry
}

/**
 * Writes the entries of an archive below a directory. Every parent is reached by descriptor inside the root, and the last
 * component is never followed, so no entry, link or order of entries can touch anything outside.
 */
export class TreeWriter implements TarHandler, Disposable {
  readonly #root: HeldDirectory
  readonly #parents: DirectoryCache
  readonly #options: TreeWriterOptions
  readonly #base: readonly string[]
  /** Times of directories are set at the end, because filling a directory changes its time. */
  readonly #directoryTimes = new Map<string, number>()
  #file: OpenFile | undefined
  #entries = 0
  #nameBytes = 0
  #newestSeconds = 0
  #bytes = 0

  constructor(directory: string, options: TreeWriterOptions) {
    this.#root = holdDirectory(directory)
    this.#parents = new DirectoryCache(this.#root, () => this.#count())
    this.#options = options
    this.#base = options.base ?? []
  }

  /** Bytes of the files written so far, and of where symbolic links point to: Docker's size of a layer. */
  get contentBytes(): number {
    return this.#bytes
  }

  /** Entries so far, and the directories they implied. */
  get entries(): number {
    return this.#entries
  }

  /** The latest time of an entry so far, seconds since 1970. */
  get newestSeconds(): number {
    return this.#newestSeconds
  }

  entry(entry: TarEntry): void {
    this.#newestSeconds = Math.max(this.#newestSeconds, Math.floor(entry.mtimeSeconds))
    this.#count()
    this.#nameBytes += entry.name.length
    if (this.#nameBytes > NAMES_BYTES_MAX) throw tooLarge(`the names in it have more than ${NAMES_BYTES_MAX} bytes`)
    try {
      if (entry.name.length > NAME_CHARS_MAX)
        throw invalidInput('BAD_ENTRY', 'The archive is refused: a name is too long')
      const inner = splitInside(entry.name)
      const name = inner.at(-1)
      if (name !== undefined) this.#place([...this.#base, ...inner], name, entry)
      // Where an archive is unpacked to was there before it.
      else if (this.#base.length === 0) this.#attributesOfRoot(entry)
    } catch (error) {
      throw entryError(entry.name, error)
    }
  }

  /** Entries, and the directories they imply: each costs an inode. */
  #count(): void {
    const { entriesMax } = this.#options.limits
    if (++this.#entries > entriesMax) throw tooLarge(`it has more than ${entriesMax} entries`)
  }

  data(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#options.limits.bytesMax) {
      throw tooLarge(`it unpacks to more than ${this.#options.limits.bytesMax} bytes`)
    }
    if (this.#file === undefined) return
    try {
      for (let done = 0; done < chunk.length; ) done += writeSync(this.#file.fd, chunk, done)
    } catch (error) {
      throw entryError(this.#file.entry.name, error)
    }
  }

  end(): void {
    const file = this.#file
    if (file === undefined) return
    try {
      const { fd, path, entry } = file
      const { uid, gid } = this.#ownerOf(entry)
      fchownSync(fd, uid, gid)
      fchmodSync(fd, entry.mode)
      this.#setXattrs(path, entry)
      futimesSync(fd, entry.mtimeSeconds, entry.mtimeSeconds)
    } catch (error) {
      throw entryError(file.entry.name, error)
    } finally {
      this.#file = undefined
      closeSync(file.fd)
    }
  }

  /** Sets the times of directories; call after the last entry. */
  finish(): void {
    for (const [path, seconds] of [...this.#directoryTimes].reverse()) {
      try {
        using directory = holdInside(this.#root, path)
        utimesSync(directory.path, seconds, seconds)
      } catch (error) {
        // A later entry may have replaced the directory.
        if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) throw entryError(path, error)
      }
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file.fd)
    this.#parents[Symbol.dispose]()
    this.#root[Symbol.dispose]()
  }

  #place(components: readonly string[], name: string, entry: TarEntry): void {
    const meaning = this.#options.whiteouts ? layerMeaning(name) : ({ kind: 'add' } as const)
    if (meaning.kind === 'skip') return
    const parent = this.#parents.get(components.slice(0, -1))
    switch (meaning.kind) {
      case 'hide':
        return this.#hide(`${parent.path}/${meaning.name}`)
      case 'opaque':
        return setXattr(`${parent.path}/.`, OPAQUE_XATTR, Buffer.from('y'))
      case 'add':
        return this.#add(`${parent.path}/${name}`, components, entry)
      default:
        unreachable(meaning)
    }
  }

  #add(path: string, components: readonly string[], entry: TarEntry): void {
    try {
      this.#make(path, components, entry)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
      if (this.#options.noOverwriteDirNonDir === true) this.#checkKind(path, components, entry)
      if (entry.type === 'directory' && this.#options.keepDirectoryLinks === true && this.#isDirectory(components))
        return
      const { opaque } = this.#clear(path, entry)
      // Clearing a directory away lets go of the parents that were held.
      const cleared = `${this.#parents.get(components.slice(0, -1)).path}/${components.at(-1)}`
      this.#make(cleared, components, entry)
      if (opaque) setXattr(cleared, OPAQUE_XATTR, Buffer.from('y'))
    }
  }

  #make(path: string, components: readonly string[], entry: TarEntry): void {
    const { uid, gid } = this.#ownerOf(entry)
    switch (entry.type) {
      case 'file':
        this.#file = { fd: openSync(path, CREATE, 0o600), path, entry }
        return
      case 'directory':
        this.#makeDirectory(path, components, entry)
        break
      case 'symlink':
        symlinkSync(entry.linkName, path)
        this.#bytes += Buffer.byteLength(entry.linkName)
        lutimesSync(path, entry.mtimeSeconds, entry.mtimeSeconds)
        break
      case 'hardlink':
        return this.#link(path, entry)
      case 'char':
      case 'block':
      case 'fifo':
        if (this.#options.noDevices === true) {
          throw invalidInput('BAD_ENTRY', `The archive is refused: its entry "${entry.name}" is a device`)
        }
        makeNode(path, NODE_TYPES[entry.type] | entry.mode, entry.device)
        break
      default:
        unreachable(entry.type)
    }
    lchownSync(path, uid, gid)
    // chown drops the set-id bits, and mkdir and mknod obey the umask.
    if (entry.type !== 'symlink') chmodSync(path, entry.mode)
    this.#setXattrs(path, entry)
  }

  #makeDirectory(path: string, components: readonly string[], entry: TarEntry): void {
    try {
      mkdirSync(path, 0o700)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST' || !lstatSync(path).isDirectory()) throw error
    }
    this.#directoryTimes.set(components.join('/'), entry.mtimeSeconds)
  }

  #link(path: string, entry: TarEntry): void {
    const inner = splitInside(entry.linkName)
    const name = inner.at(-1)
    if (name === undefined) throw invalidInput('BAD_ENTRY', `The archive is refused: "${entry.name}" links to the root`)
    const target = `${this.#parents.get([...this.#base, ...inner].slice(0, -1)).path}/${name}`
    try {
      linkSync(target, path)
    } catch (error) {
      if (!['ENOENT', 'EPERM'].includes(errorCode(error) ?? '')) throw error
      throw invalidInput(
        'BAD_ENTRY',
        `The archive is refused: "${entry.name}" is a link to "${entry.linkName}", which is no file in it`,
        { cause: error },
      )
    }
  }

  #checkKind(path: string, components: readonly string[], entry: TarEntry): void {
    const [was, will] = [lstatSync(path).isDirectory(), entry.type === 'directory']
    if (was === will) return
    const word = (isDirectory: boolean): string => (isDirectory ? 'directory' : 'non-directory')
    const target = components.slice(0, this.#base.length)
    throw invalidInput(
      'OVERWRITE_REFUSED',
      `cannot overwrite ${word(was)} "/${components.join('/')}" with ${word(will)} "/${target.join('/')}"`,
    )
  }

  #isDirectory(components: readonly string[]): boolean {
    try {
      holdInside(this.#root, components.join('/'))[Symbol.dispose]()
      return true
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return false
      throw error
    }
  }

  /** Removes what a new entry replaces. A directory over a deletion of the same layer hides what was below. */
  #clear(path: string, entry: TarEntry): { readonly opaque: boolean } {
    const existing = lstatSync(path)
    const hidden = this.#options.whiteouts && existing.isCharacterDevice() && existing.rdev === 0
    rmSync(path, { recursive: true, force: true })
    if (existing.isDirectory()) this.#parents.clear()
    return { opaque: hidden && entry.type === 'directory' }
  }

  #hide(path: string): void {
    try {
      makeNode(path, NODE_TYPES.char, { major: 0, minor: 0 })
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
      // The layer both deletes and adds the name: what it adds stays, without what was below.
      if (lstatSync(path).isDirectory()) setXattr(path, OPAQUE_XATTR, Buffer.from('y'))
    }
  }

  #attributesOfRoot(entry: TarEntry): void {
    if (entry.type !== 'directory') throw invalidInput('BAD_ENTRY', 'The archive is refused: its root is no directory')
    const { uid, gid } = this.#ownerOf(entry)
    chownSync(this.#root.path, uid, gid)
    chmodSync(this.#root.path, entry.mode)
    this.#directoryTimes.set('', entry.mtimeSeconds)
  }

  #setXattrs(path: string, entry: TarEntry): void {
    for (const [name, value] of entry.xattrs) {
      // Others belong to this host: trusted.overlay.* would steer overlayfs, security labels come from its own policy.
      if (name === 'security.capability' || name.startsWith('user.')) setXattr(path, name, value)
    }
  }

  #ownerOf(entry: TarEntry): { readonly uid: number; readonly gid: number } {
    return this.#options.owner ?? entry
  }
}
