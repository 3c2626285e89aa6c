import { chownSync, closeSync, constants, createReadStream } from 'node:fs'
import { errorCode, invalidInput } from '../../../core/errors.ts'
import { Pacer } from '../../../core/pacer.ts'
import { entryTypeOf, LAYER_LIMITS, type TarEntry, TreeWriter, unpackArchive } from '../../images/index.ts'
import { holdDirectory, holdInside, openInside, splitInside } from '../../linux/files/fd-path.ts'
import { decodeDevice } from '../../linux/files/xattr.ts'
import { isArchive } from '../is-archive.ts'
import { makePath, placeOfFile } from './make-path.ts'
import { contentOf, type Source, type SourceEntry, weightOf } from './sources.ts'

const ROOT_OWNER = { uid: 0, gid: 0 }

export interface CopyTarget {
  /** Root file system to copy into. */
  readonly root: string
  /** Absolute path inside it; a slash at the end says it is a directory. */
  readonly path: string
  /** Absent: root, and what an archive says for what it holds. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
  /** Permission bits for all files, instead of their own. */
  readonly mode?: number | undefined
  /** Unpack local archives (ADD). */
  readonly unpack: boolean
  /** Keep the directories that a source was found in (`--parents`). */
  readonly keepParents: boolean
  readonly signal: AbortSignal
}

/** Copies sources below a root as COPY and ADD do. Links in the root are followed, but never out of it. */
export async function copyInto(target: CopyTarget, sources: readonly Source[]): Promise<void> {
  for (const source of sources) {
    target.signal.throwIfAborted()
    const file = source.isDirectory || source.isRemote ? undefined : source.entries[0]
    if (file !== undefined && target.unpack && (await isArchiveFile(source, file)))
      await unpackInto(target, source, file)
    else await copySource(target, source)
  }
}

async function copySource(target: CopyTarget, source: Source): Promise<void> {
  const intoDirectory = source.isDirectory || target.path.endsWith('/') || isDirectory(target)
  const parents = target.keepParents ? source.path.slice(0, source.isDirectory ? undefined : -1) : []
  const asked = [...splitInside(target.path), ...parents]
  const base = source.isDirectory || !intoDirectory ? asked : [...asked, source.name]
  const place = placeOf(target, source, base)
  using writer = new TreeWriter(target.root, { limits: LAYER_LIMITS, whiteouts: false, keepDirectoryLinks: true })
  using root = holdDirectory(source.tree.directory)
  const pacer = new Pacer()
  for (const entry of source.entries) {
    await pacer.step()
    target.signal.throwIfAborted()
    // The directory itself is only where its content comes from.
    if (source.isDirectory && entry.path === '') continue
    const described = describe(entry, [...place, ...splitInside(entry.path)], target)
    if (described === undefined) continue
    writer.entry(described)
    if (described.type !== 'file') continue
    for (const chunk of contentOf(root, entry)) {
      writer.data(chunk)
      await pacer.step(weightOf(chunk))
    }
    writer.end()
  }
  writer.finish()
}

function describe(
  { stats, linkName, capability }: SourceEntry,
  components: readonly string[],
  { owner = ROOT_OWNER, mode }: CopyTarget,
): TarEntry | undefined {
  const type = entryTypeOf(stats)
  if (type === undefined) return undefined
  const name = components.join('/')
  return {
    name,
    type,
    linkName,
    size: type === 'file' ? stats.size : 0,
    mode: mode ?? stats.mode & 0o7777,
    ...owner,
    mtimeSeconds: Math.floor(stats.mtimeMs / 1000),
    device: type === 'char' || type === 'block' ? decodeDevice(stats.rdev) : { major: 0, minor: 0 },
    xattrs: capability === undefined ? new Map() : new Map([['security.capability', capability]]),
  }
}

/** Sockets are left out: nothing could answer behind them. */
async function unpackInto(target: CopyTarget, source: Source, file: SourceEntry): Promise<void> {
  const place = placeOf({ ...target, owner: undefined }, { isDirectory: true }, splitInside(target.path))
  using root = holdDirectory(target.root)
  using directory = holdInside(root, place.join('/'))
  const options = { limits: LAYER_LIMITS, whiteouts: false, keepDirectoryLinks: true, signal: target.signal }
  const owner = target.owner === undefined ? {} : { owner: target.owner }
  await unpackArchive(streamOf(source, file), directory.path, { ...options, ...owner })
}

/** Where something comes to lie. What has to be made on the way to a file belongs to its owner, as Docker has it. */
function placeOf(
  { root, path, owner = ROOT_OWNER }: CopyTarget,
  { isDirectory }: Pick<Source, 'isDirectory'>,
  components: readonly string[],
): readonly string[] {
  using held = holdDirectory(root)
  const onMade = (made: string, isLast: boolean): void => {
    if (!isDirectory || isLast) chownSync(made, owner.uid, owner.gid)
  }
  try {
    return (isDirectory ? makePath : placeOfFile)(held, components, onMade)
  } catch (error) {
    if (errorCode(error) !== 'NOT_A_DIRECTORY') throw error
    throw invalidInput('NOT_A_DIRECTORY', `failed to copy files: ${path}: not a directory`)
  }
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

async function isArchiveFile(source: Source, file: SourceEntry): Promise<boolean> {
  return file.stats.isFile() && isArchive(streamOf(source, file))
}

function streamOf({ tree }: Source, { place }: SourceEntry): ReturnType<typeof createReadStream> {
  using root = holdDirectory(tree.directory)
  const fd = openInside(root, place, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    return createReadStream('', { fd })
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
