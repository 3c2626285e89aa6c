import { type FSWatcher, watch } from 'node:fs'
import { lstat, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { type Clock, sleep } from '../../../../core/clock.ts'
import { errorCode, errorMessage, notFound } from '../../../../core/errors.ts'
import { changesBetween, type FileChanges, type FileTree, filesBelow, isEmpty, scanTree } from './file-tree.ts'
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
  /** Directories of which it was told that they cannot be watched. */
  readonly #refused = new Set<string>()
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
        const { files, directories, unreadable } = await scanTree(rule.path, rule.rules)
        for (const [path, why] of unreadable) this.#refuse(path, why)
        // Nobody has removed what cannot be seen for now.
        const unseen = filesBelow(before.get(rule) ?? new Map(), rule.path, [...unreadable.keys()])
        this.#trees.set(rule, new Map([...unseen, ...files]))
        for (const [path, ino] of directories) wanted.set(path, ino)
        // Of a file, and of what is gone for now, the directory it is in tells.
        if (directories.size === 0) wanted.set(...(await nearestAbove(rule.path)))
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

  /** Whether one of them was not watched yet, so that it is to be looked again. */
  #watchThese(wanted: ReadonlyMap<string, number>): boolean {
    for (const [path, { ino }] of this.#watched) if (wanted.get(path) !== ino) this.#forget(path)
    let isNew = false
    for (const [path, ino] of wanted) {
      if (this.#isPolling || this.#watched.has(path)) continue
      if (this.#watchOne(path, ino)) isNew = true
    }
    return isNew
  }

  #watchOne(path: string, ino: number): boolean {
    const tell = (): void => this.#changed.resolve()
    try {
      const watcher = watch(path, (event, name) => {
        // It goes, perhaps to be made anew with the same number: the new one is not watched by this.
        if (event === 'rename' && name === basename(path)) this.#forget(path)
        tell()
      })
      this.#watched.set(path, { ino, watcher: watcher.on('error', tell) })
      return true
    } catch (error) {
      const code = errorCode(error)
      // It went between the look and now: another look finds what tells of it instead.
      if (code === 'ENOENT' || code === 'ENOTDIR') return true
      if (code === 'ENOSPC' || code === 'EMFILE') {
        this.#isPolling = true
        this.#options.warn(
          'this host can watch no more files (fs.inotify.max_user_watches): they are looked at every second',
        )
      } else this.#refuse(path, errorMessage(error))
      return false
    }
  }

  #forget(path: string): void {
    this.#watched.get(path)?.watcher.close()
    this.#watched.delete(path)
  }

  /** One directory must not end the watch of all others. */
  #refuse(path: string, why: string): void {
    if (this.#refused.has(path)) return
    this.#refused.add(path)
    this.#options.warn(`changes in ${path} are not seen: ${why}`)
  }
}

/** The nearest directory above a path that there is, with which one it is. */
async function nearestAbove(path: string): Promise<readonly [string, number]> {
  for (let above = dirname(path); ; above = dirname(above)) {
    const found = await stat(above).catch(() => undefined)
    if (found !== undefined || above === dirname(above)) return [above, found?.ino ?? 0]
  }
}
