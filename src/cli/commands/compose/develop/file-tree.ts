import { lstat, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorCode, errorMessage } from '../../../../core/errors.ts'
import type { RelevantFiles } from './watch-rules.ts'

/** What lies below a path, by relative path (empty for the path itself), each with what changes when it does. */
export type FileTree = ReadonlyMap<string, string>

export interface ScannedTree {
  readonly files: FileTree
  /** Directories in which something may change that matters: absolute paths, each with which directory that is. */
  readonly directories: ReadonlyMap<string, number>
  /** Directories that cannot be read, or not all of them: absolute paths, each with why. */
  readonly unreadable: ReadonlyMap<string, string>
}

/** Paths, relative to a rule's. */
export interface FileChanges {
  readonly written: readonly string[]
  readonly removed: readonly string[]
}

/**
 * Reads which files there are. What goes meanwhile is not there; a path that does not exist is an empty tree, and what cannot be
 * read is passed over.
 */
export async function scanTree(root: string, { isRelevant, mayHoldRelevant }: RelevantFiles): Promise<ScannedTree> {
  const files = new Map<string, string>()
  const directories = new Map<string, number>()
  const unreadable = new Map<string, string>()
  const waiting = ['']
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const full = join(root, path)
    const found = await ifThere(lstat(full), why => unreadable.set(path === '' ? full : dirname(full), why))
    if (found === undefined) continue
    if (!found.isDirectory()) {
      // The change time moves with the content, the mode and a replacement of the file.
      if (path === '' || isRelevant(path)) files.set(path, `${found.mode}:${found.size}:${found.ino}:${found.ctimeMs}`)
      continue
    }
    if (path !== '' && !mayHoldRelevant(path)) continue
    const names = await ifThere(readdir(full), why => unreadable.set(full, why))
    if (unreadable.has(full)) continue
    directories.set(full, found.ino)
    for (const name of names ?? []) waiting.push(path === '' ? name : `${path}/${name}`)
  }
  return { files, directories, unreadable }
}

/** Undefined for what is not there, and for what cannot be read: why is told. */
async function ifThere<T>(reading: Promise<T>, tell: (why: string) => void): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) tell(errorMessage(error))
    return undefined
  }
}

/** The files of a tree at `root` that are in some directories, which are absolute paths. Pure. */
export function filesBelow(tree: FileTree, root: string, directories: readonly string[]): FileTree {
  const isBelow = (path: string): boolean => directories.some(above => join(root, path).startsWith(`${above}/`))
  return new Map([...tree].filter(([path]) => isBelow(path)))
}

/** What differs between two looks at a tree, in order. Pure. */
export function changesBetween(before: FileTree, after: FileTree): FileChanges {
  const written = [...after].filter(([path, stamp]) => before.get(path) !== stamp).map(([path]) => path)
  const removed = [...before.keys()].filter(path => !after.has(path))
  return { written: written.toSorted(), removed: removed.toSorted() }
}

/** Several changes as one: what happened last to each path counts. Pure. */
export function joinChanges(first: FileChanges, then: FileChanges): FileChanges {
  const touched = new Set([...then.written, ...then.removed])
  const untouched = (paths: readonly string[]): readonly string[] => paths.filter(path => !touched.has(path))
  return {
    written: [...untouched(first.written), ...then.written].toSorted(),
    removed: [...untouched(first.removed), ...then.removed].toSorted(),
  }
}

export function isEmpty({ written, removed }: FileChanges): boolean {
  return written.length === 0 && removed.length === 0
}
