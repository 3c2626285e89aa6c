import { readlinkSync } from 'node:fs'
import { invalidInput } from '../../../core/errors.ts'
import { type HeldDirectory, makeInside } from '../../linux/files/fd-path.ts'

/** Enough for the nesting of real trees; each costs one descriptor while an archive is unpacked. */
const HELD_MAX = 64
/** Deeper paths could be made through links, but whoever removes the tree by its names would fail: Linux has 4096. */
const PATH_BYTES_MAX = 3_800

/** Parent directories held open: entries of an archive come grouped by directory, so most find theirs already here. */
export class DirectoryCache implements Disposable {
  readonly #root: HeldDirectory
  readonly #onMade: () => void
  readonly #held = new Map<string, HeldDirectory>()

  /** `onMade` is called for each directory that was missing. */
  constructor(root: HeldDirectory, onMade: () => void = () => {}) {
    this.#root = root
    this.#onMade = onMade
  }

  /** Holds a directory below the root, making what is missing. Valid until two other directories were asked for. */
  get(components: readonly string[]): HeldDirectory {
    if (components.length === 0) return this.#root
    const key = components.join('/')
    const known = this.#held.get(key)
    if (known !== undefined) {
      this.#held.delete(key)
      this.#held.set(key, known)
      return known
    }
    if (this.#held.size >= HELD_MAX) this.#dropOldest()
    const opened = makeInside(this.#root, components, this.#onMade)
    this.#held.set(key, opened)
    checkDepth(opened, key)
    return opened
  }

  /** Forgets all: a directory was replaced, so paths may mean something else now. */
  clear(): void {
    for (const directory of this.#held.values()) directory[Symbol.dispose]()
    this.#held.clear()
  }

  [Symbol.dispose](): void {
    this.clear()
  }

  #dropOldest(): void {
    // The least recently used half: an entry uses at most two parents at a time (hard links), and those stay.
    for (const [key, directory] of [...this.#held].slice(0, HELD_MAX / 2)) {
      directory[Symbol.dispose]()
      this.#held.delete(key)
    }
  }
}

function checkDepth(directory: HeldDirectory, name: string): void {
  if (Buffer.byteLength(readlinkSync(directory.path)) <= PATH_BYTES_MAX) return
  throw invalidInput('BAD_ENTRY', `The archive is refused: the path of "${name.slice(0, 100)}…" is too long`)
}
