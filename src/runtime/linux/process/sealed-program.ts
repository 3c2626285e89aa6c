import { accessSync, closeSync, constants, readFileSync, type Stats, statSync, writeSync } from 'node:fs'
import { libcFunction } from './libc.ts'

/** Source: memfd_create(2), fcntl(2). */
const MFD_CLOEXEC = 1
const MFD_ALLOW_SEALING = 2
const MFD_EXEC = 0x10
const F_ADD_SEALS = 1033
const SEAL_ALL = 0b1111
const ELF = Buffer.from('\x7fELF', 'latin1')

const memfdCreate = libcFunction<[string, number]>('int memfd_create(const char *name, unsigned int flags)')
const addSeals = libcFunction<[number, number, number]>('int fcntl(int fd, int command, int seals)')

/**
 * A program, run from a copy in memory that nobody can change. runc, which must keep containers from writing to its file,
 * makes itself such a copy at every start, with mounts and a second exec, unless it finds that it is one.
 */
export class SealedProgram implements Disposable {
  readonly #path: string
  readonly #copies: number[] = []
  #current: { readonly of: string; readonly path: string } | undefined

  constructor(path: string) {
    this.#path = path
  }

  /**
   * What to run, as long as this process lives: the copy of the program as it is now, made when it is first asked for; the
   * program itself where there can be none.
   */
  get path(): string {
    const stats = statSync(this.#path, { throwIfNoEntry: false })
    if (stats === undefined) return this.#path
    const of = identityOf(stats)
    if (this.#current?.of !== of) this.#current = { of, path: this.#copy() ?? this.#path }
    return this.#current.path
  }

  /** Only when nothing is about to be run from it. */
  [Symbol.dispose](): void {
    this.#current = undefined
    for (const fd of this.#copies.splice(0)) closeSync(fd)
  }

  /** Copies of what the program was before stay: somebody may be about to run one. */
  #copy(): string | undefined {
    try {
      const bytes = readFileSync(this.#path)
      // A script would be told another name of its own.
      if (!bytes.subarray(0, ELF.length).equals(ELF)) return undefined
      const fd = newMemory()
      this.#copies.push(fd)
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
      addSeals(fd, F_ADD_SEALS, SEAL_ALL)
      const path = `/proc/${process.pid}/fd/${fd}`
      accessSync(path, constants.X_OK)
      return path
    } catch {
      return undefined
    }
  }
}

/** Older kernels do not know that memory may be forbidden to be run. */
function newMemory(): number {
  try {
    return memfdCreate('runtime', MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC)
  } catch {
    return memfdCreate('runtime', MFD_CLOEXEC | MFD_ALLOW_SEALING)
  }
}

function identityOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs, ctimeMs].join(':')
}
