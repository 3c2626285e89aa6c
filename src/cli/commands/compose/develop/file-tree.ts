import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../../../core/errors.ts'
import type { RelevantFiles } from './watch-rules.ts'

/** What lies below a path, by relative path (empty for the path itself), each with what changes when it does. */
export type FileTree = ReadonlyMap<string, string>

export interface ScannedTree {
  readonly files: FileTree
  /** Directories in which something may change that matters: absolute paths, each with which directory that is. */
  readonly directories: ReadonlyMap<string, number>
}

/** Paths, relative to a rule's. */
export interface FileChanges {
  readonly written: readonly string[]
  readonly removed: readonly string[]
}

/** Reads which files there are. What goes meanwhile is not there; a path that does not exist is an empty tree. */
export async function scanTree(root: string, { isRelevant, mayHoldRelevant }: RelevantFiles): Promise<ScannedTree> {
  const files = new Map<string, string>()
  const directories = new Map<string, number>()
  const waiting = ['']
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const full = join(root, path)
    const found = await ifThere(lstat(full))
    if (found === undefined) continue
    if (!found.isDirectory()) {
      // The change time moves with the content, the mode and a replacement of the file.
      if (path === '' || isRelevant(path)) files.set(path, `${found.mode}:${found.size}:${found.ino}:${found.ctimeMs}`)
      continue
    }
    if (path !== '' && !mayHoldRelevant(path)) continue
    directories.set(full, found.ino)
    for (const name of (await ifThere(readdir(full))) ?? []) waiting.push(path === '' ? name : `${path}/${name}`)
  }
  return { files, directories }
}

async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
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
