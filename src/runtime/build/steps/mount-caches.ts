import { chmod, chown, lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hashOf } from '../../../core/digest.ts'
import { errorCode } from '../../../core/errors.ts'
import type { RunMount } from './mount-flags.ts'

type CacheMount = Extract<RunMount, { readonly type: 'cache' }>

interface Use {
  count: number
  /** Waits for whoever holds it alone. */
  turn: Promise<void>
}

/** Directories that outlive builds: `RUN --mount=type=cache`. */
export class MountCaches {
  readonly #directory: string
  readonly #uses = new Map<string, Use>()

  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * Opens a cache, made with the owner and mode asked for if it is new. `shared` is open to all at once, `locked` to one
   * after the other, and who wants a `private` one gets another if it is in use.
   */
  async open(mount: CacheMount): Promise<AsyncDisposable & { readonly path: string }> {
    const name = this.#nameFor(mount)
    const use = this.#uses.get(name) ?? { count: 0, turn: Promise.resolve() }
    this.#uses.set(name, use)
    use.count++
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = use.turn
    if (mount.sharing === 'locked') use.turn = before.then(() => promise)
    const release = (): void => {
      resolve()
      if (--use.count === 0) this.#uses.delete(name)
    }
    try {
      if (mount.sharing === 'locked') await before
      const path = join(this.#directory, name)
      await this.#make(path, mount)
      return { path, [Symbol.asyncDispose]: () => Promise.resolve(release()) }
    } catch (error) {
      release()
      throw error
    }
  }

  /** Removes the caches that no build uses now; resolves with their names, and the bytes they took. */
  async clear(): Promise<{ readonly names: readonly string[]; readonly bytes: number }> {
    const names = await readdir(this.#directory).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return []
      throw error
    })
    const free = names.filter(name => !this.#uses.has(name))
    let bytes = 0
    for (const name of free) {
      const path = join(this.#directory, name)
      for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
        if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size
      }
      await rm(path, { recursive: true, force: true })
    }
    return { names: free, bytes }
  }

  #nameFor({ id, sharing }: CacheMount): string {
    for (let number = 0; ; number++) {
      const name = hashOf([id, sharing === 'private' ? number : 0]).slice(0, 24)
      if (sharing !== 'private' || !this.#uses.has(name)) return name
    }
  }

  async #make(path: string, { uid, gid, mode }: CacheMount): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    try {
      await mkdir(path)
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return
      throw error
    }
    await chown(path, uid, gid)
    await chmod(path, mode)
  }
}
