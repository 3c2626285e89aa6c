import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import { errorCode, failed, notFound } from '../../../../core/errors.ts'

export interface CopySource {
  /** As typed: a path that ends with `/.` means what is inside. */
  readonly path: string
  readonly cwd: string
  readonly follow: boolean
}

export interface CopyTarget {
  readonly path: string
  readonly exists: boolean
  readonly isDirectory: boolean
}

export interface PackedCopy {
  /** The folder in the container that the tar belongs into. */
  readonly directory: string
  readonly tar: Readable
  /** Bytes of files that were packed so far. */
  readonly size: () => number
}

/** Packs files so that they land where `cp` puts them: in a folder that is there, else under the target's own name. */
export async function packCopy({ path, cwd, follow }: CopySource, target: CopyTarget): Promise<PackedCopy> {
  const source = resolve(cwd, path)
  const stats = await (follow ? stat(source) : lstat(source)).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') throw notFound('NO_SUCH_FILE', `lstat ${source}: no such file or directory`)
    throw error
  })
  if (stats.isDirectory() && target.exists && !target.isDirectory) {
    throw failed('NOT_A_DIRECTORY', `cannot overwrite non-directory ${target.path} with directory ${path}`)
  }
  const contentOnly = stats.isDirectory() && /(^|\/)\.$/.test(path)
  const into = target.isDirectory
  const name = into ? (contentOnly ? '' : basename(source)) : basename(target.path)
  const tar = pack()
  let bytes = 0
  void addTree(tar, { source, name, follow }, size => {
    bytes += size
  }).then(
    () => tar.finalize(),
    (error: unknown) => tar.destroy(error as Error),
  )
  return { directory: into ? target.path : dirname(target.path), tar: Readable.from(tar), size: () => bytes }
}

interface Tree {
  readonly source: string
  /** Name in the tar; empty for the folder it is unpacked in. */
  readonly name: string
  readonly follow: boolean
  /** Whose the files are; absent: whose they are here. */
  readonly owner?: number | undefined
}

async function addTree(
  tar: Pack,
  { source, name, follow, owner }: Tree,
  count: (bytes: number) => void,
): Promise<void> {
  const stats = await (follow ? stat(source) : lstat(source))
  const [uid, gid] = owner === undefined ? [stats.uid, stats.gid] : [owner, owner]
  const common = { name, mode: stats.mode & 0o7777, uid, gid, mtime: stats.mtime }
  if (stats.isSymbolicLink()) {
    tar.entry({ ...common, type: 'symlink', linkname: await readlink(source) })
  } else if (stats.isDirectory()) {
    if (name !== '') tar.entry({ ...common, name: `${name}/`, type: 'directory' })
    for (const child of (await readdir(source)).toSorted()) {
      await addTree(
        tar,
        { source: join(source, child), name: name === '' ? child : `${name}/${child}`, follow: false, owner },
        count,
      )
    }
  } else if (stats.isFile()) {
    // A file that grows meanwhile must not make the tar wrong.
    if (stats.size === 0) tar.entry(common, '')
    else await pipeline(createReadStream(source, { end: stats.size - 1 }), tar.entry({ ...common, size: stats.size }))
    count(stats.size)
  }
}

export interface NamedFile {
  /** Absolute. */
  readonly source: string
  /** Name in the tar. */
  readonly name: string
}

/** Packs single files and links, each under a name of its own and root's; what is gone by now is left out. */
export function packFiles(files: readonly NamedFile[]): Readable {
  const tar = pack()
  void (async () => {
    for (const { source, name } of files) {
      const isThere = (await lstat(source).catch(() => undefined)) !== undefined
      if (isThere) await addTree(tar, { source, name, follow: false, owner: 0 }, () => {})
    }
  })().then(
    () => tar.finalize(),
    (error: unknown) => tar.destroy(error as Error),
  )
  return Readable.from(tar)
}
