import { chmod, chown, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hashOf } from '../../../core/digest.ts'
import { errorCode } from '../../../core/errors.ts'
import { sizeOfTree } from '../../linux/files/tree-size.ts'
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
  /** Caches that are being removed, until they are gone. */
  readonly #going = new Map<string, Promise<void>>()

  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * Opens a cache, made with the owner and mode asked for if it is new. `shared` is open to all at once, `locked` to one
   * after the other, and who wants a `private` one gets another if it is in use. Waiting ends with the signal.
   */
  async open(mount: CacheMount, signal: AbortSignal): Promise<AsyncDisposable & { readonly path: string }> {
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
      if (mount.sharing === 'locked') await unlessAborted(before, signal)
      await unlessAborted(this.#going.get(name) ?? Promise.resolve(), signal)
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
    const cleared: string[] = []
    let bytes = 0
    for (const name of names) {
      // Looked at anew for each: builds go on while others are removed. Who opens it from here on waits.
      if (this.#uses.has(name) || this.#going.has(name)) continue
      const gone = Promise.withResolvers<void>()
      this.#going.set(name, gone.promise)
      try {
        const path = join(this.#directory, name)
        bytes += await sizeOfTree(path)
        await rm(path, { recursive: true, force: true })
        cleared.push(name)
      } finally {
        this.#going.delete(name)
        gone.resolve()
      }
    }
    return { names: cleared, bytes }
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

/** Waits for what never fails. Throws the signal's reason as soon as that is aborted. */
async function unlessAborted(turn: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([turn, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
