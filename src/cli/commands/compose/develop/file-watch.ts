import { type FSWatcher, watch } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Clock, sleep } from '../../../../core/clock.ts'
import { errorCode, notFound } from '../../../../core/errors.ts'
import { changesBetween, type FileChanges, type FileTree, isEmpty, scanTree } from './file-tree.ts'
import type { WatchRule } from './watch-rules.ts'

export interface RuleChanges {
  readonly rule: WatchRule
  readonly changes: FileChanges
}

export interface WatchOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly warn: (message: string) => void
}

/** How long nothing may change before what has changed is told: saving all files of an editor is one change. */
const QUIET_MS = 100
/** So long a wait for quiet is over: a build that never ends writing must not hold everything up. */
const BATCH_MS_MAX = 2_000
/** How often files are looked at where the host cannot tell of changes. */
const LOOK_MS = 1_000

interface Watched {
  readonly ino: number
  readonly watcher: FSWatcher
}

/** Watches files for a set of rules, and tells in batches what has changed since the last one. */
export class FileWatch {
  readonly #rules: readonly WatchRule[]
  readonly #options: WatchOptions
  readonly #trees = new Map<WatchRule, FileTree>()
  readonly #watched = new Map<string, Watched>()
  #changed = Promise.withResolvers<void>()
  #isPolling = false

  private constructor(rules: readonly WatchRule[], options: WatchOptions) {
    this.#rules = rules
    this.#options = options
  }

  /** Begins to watch: what changes from now on is told. Throws NO_SUCH_FILE for a path that is not there. */
  static async start(rules: readonly WatchRule[], options: WatchOptions): Promise<FileWatch> {
    for (const { service, path } of rules) {
      const found = await lstat(path).catch(() => undefined)
      if (found === undefined) {
        throw notFound('NO_SUCH_FILE', `can't watch service "${service}": ${path}: no such file or directory`)
      }
    }
    const files = new FileWatch(rules, options)
    await files.#look()
    return files
  }

  /** What lies there now. */
  filesOf(rule: WatchRule): readonly string[] {
    return [...(this.#trees.get(rule)?.keys() ?? [])].toSorted()
  }

  /** Resolves with what has changed, once it is quiet again; never empty. Rejects when the signal is aborted. */
  async next(): Promise<readonly RuleChanges[]> {
    for (;;) {
      await this.#untilChanged()
      const batch = await this.#look()
      if (batch.length > 0) return batch
    }
  }

  close(): void {
    for (const { watcher } of this.#watched.values()) watcher.close()
    this.#watched.clear()
  }

  async #untilChanged(): Promise<void> {
    const { clock, signal } = this.#options
    if (this.#isPolling) return sleep(clock, LOOK_MS, signal)
    const aborted = Promise.withResolvers<never>()
    const abort = (): void => aborted.reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      signal.throwIfAborted()
      await Promise.race([this.#changed.promise, aborted.promise])
      const until = clock.monotonicMs() + BATCH_MS_MAX
      for (let isQuiet = false; !isQuiet && clock.monotonicMs() < until; ) {
        this.#changed = Promise.withResolvers()
        const again = this.#changed.promise.then(() => false)
        isQuiet = await Promise.race([again, sleep(clock, QUIET_MS, signal).then(() => true)])
      }
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Looks at everything, until no directory is new: what was written before it was watched would be missed. */
  async #look(): Promise<readonly RuleChanges[]> {
    const before = new Map(this.#trees)
    for (let isNew = true; isNew; ) {
      const wanted = new Map<string, number>()
      for (const rule of this.#rules) {
        const { files, directories } = await scanTree(rule.path, rule.rules)
        this.#trees.set(rule, files)
        for (const [path, ino] of directories) wanted.set(path, ino)
        // Of a file, and of what is gone for now, the directory it is in tells.
        const parent = dirname(rule.path)
        if (directories.size === 0) wanted.set(parent, (await lstat(parent).catch(() => undefined))?.ino ?? 0)
      }
      isNew = this.#watchThese(wanted)
    }
    return this.#rules
      .map(rule => ({
        rule,
        changes: changesBetween(before.get(rule) ?? new Map(), this.#trees.get(rule) ?? new Map()),
      }))
      .filter(({ changes }) => !isEmpty(changes))
  }

  /** Whether one of them was not watched yet. */
  #watchThese(wanted: ReadonlyMap<string, number>): boolean {
    for (const [path, { ino, watcher }] of this.#watched) {
      if (wanted.get(path) === ino) continue
      watcher.close()
      this.#watched.delete(path)
    }
    let isNew = false
    for (const [path, ino] of wanted) {
      if (this.#isPolling || this.#watched.has(path)) continue
      const watcher = this.#watchOne(path)
      if (watcher === undefined) continue
      this.#watched.set(path, { ino, watcher })
      isNew = true
    }
    return isNew
  }

  #watchOne(path: string): FSWatcher | undefined {
    const tell = (): void => this.#changed.resolve()
    try {
      return watch(path, tell).on('error', tell)
    } catch (error) {
      const code = errorCode(error)
      // It went between the look and now: its parent tells.
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      if (code !== 'ENOSPC' && code !== 'EMFILE') throw error
      this.#isPolling = true
      this.#options.warn(
        'this host can watch no more files (fs.inotify.max_user_watches): they are looked at every second',
      )
      return undefined
    }
  }
}
