import { chownSync, createReadStream, readlinkSync } from 'node:fs'
import { errorCode, invalidInput } from '../../core/errors.ts'
import { decompressor, LAYER_LIMITS, type TarEntry, TreeWriter, unpackArchive } from '../images/index.ts'
import { type HeldDirectory, holdDirectory, holdInside, makeInside, splitInside } from '../linux/fd-path.ts'
import { readFileIn, type Source, type SourceEntry } from './sources.ts'

export interface CopyTarget {
  /** Root file system to copy into. */
  readonly root: string
  /** Absolute path inside it; a slash at the end says it is a directory. */
  readonly path: string
  readonly owner: { readonly uid: number; readonly gid: number }
  /** Permission bits for all files, instead of their own. */
  readonly mode?: number | undefined
  /** Unpack local archives (ADD). */
  readonly unpack: boolean
}

/** Copies sources below a root as COPY and ADD do. Links in the root are followed, but never out of it. */
export async function copyInto(target: CopyTarget, sources: readonly Source[]): Promise<void> {
  if (sources.length > 1 && !target.path.endsWith('/')) {
    throw invalidInput(
      'COPY_TARGET',
      `When there is more than one source, the destination "${target.path}" must be a directory and end with a /`,
    )
  }
  for (const source of sources) {
    const file = source.isDirectory ? undefined : source.entries[0]
    if (file !== undefined && target.unpack && (await isArchive(file.realPath))) await unpackInto(target, file)
    else copySource(target, source)
  }
}

function copySource(target: CopyTarget, source: Source): void {
  const intoDirectory = source.isDirectory || target.path.endsWith('/') || isDirectory(target)
  const place = splitInside(target.path)
  const base = source.isDirectory || !intoDirectory ? place : [...place, source.name]
  makeDirectories(target, intoDirectory ? place : place.slice(0, -1))[Symbol.dispose]()
  const options = { limits: LAYER_LIMITS, whiteouts: false, keepDirectoryLinks: true }
  using writer = new TreeWriter(target.root, options)
  for (const entry of source.entries) {
    // The directory itself is only where its content comes from.
    if (source.isDirectory && entry.path === '') continue
    const described = describe(entry, [...base, ...splitInside(entry.path)].join('/'), target)
    if (described === undefined) continue
    writer.entry(described)
    if (described.type !== 'file') continue
    if (described.size > 0) readFileIn(entry.realPath, chunk => writer.data(chunk))
    writer.end()
  }
  writer.finish()
}

function describe({ realPath, stats }: SourceEntry, name: string, { owner, mode }: CopyTarget): TarEntry | undefined {
  const type = stats.isFile()
    ? 'file'
    : stats.isDirectory()
      ? 'directory'
      : stats.isSymbolicLink()
        ? 'symlink'
        : undefined
  if (type === undefined) return undefined
  return {
    name,
    type,
    linkName: type === 'symlink' ? readlinkSync(realPath) : '',
    size: type === 'file' ? stats.size : 0,
    mode: mode ?? stats.mode & 0o7777,
    ...owner,
    mtimeSeconds: Math.floor(stats.mtimeMs / 1000),
    device: { major: 0, minor: 0 },
    xattrs: new Map(),
  }
}

async function unpackInto(target: CopyTarget, { realPath }: SourceEntry): Promise<void> {
  using directory = makeDirectories(target, splitInside(target.path))
  const options = { limits: LAYER_LIMITS, whiteouts: false, keepDirectoryLinks: true }
  await unpackArchive(createReadStream(realPath), directory.path, options)
}

/** Holds a directory of the root; what had to be made of its path belongs to the copy's owner. */
function makeDirectories({ root, owner }: CopyTarget, components: readonly string[]): HeldDirectory {
  using held = holdDirectory(root)
  return makeInside(held, components, path => chownSync(path, owner.uid, owner.gid))
}

function isDirectory({ root, path }: CopyTarget): boolean {
  using held = holdDirectory(root)
  try {
    holdInside(held, splitInside(path).join('/'))[Symbol.dispose]()
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return false
    throw error
  }
}

/** A tar archive, packed or not, tells itself by a word in its first block. */
async function isArchive(path: string): Promise<boolean> {
  const { stream } = await decompressor(createReadStream(path))
  let head = Buffer.alloc(0)
  try {
    for await (const chunk of stream) {
      head = Buffer.concat([head, chunk as Buffer])
      if (head.length >= 512) break
    }
  } catch {
    // Something else that only begins like a packed file.
    return false
  } finally {
    stream.destroy()
  }
  return head.toString('latin1', 257, 262) === 'ustar'
}
