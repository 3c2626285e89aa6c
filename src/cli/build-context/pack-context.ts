import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import { errorCode, invalidInput } from '../../core/errors.ts'
import { type IgnoreRules, ignoreRules } from '../../core/path-patterns.ts'
import { whyNot } from '../output/file-error.ts'

export interface ContextSource {
  /** Absolute. */
  readonly directory: string
  /** Relative to the directory, or absolute. */
  readonly dockerfile: string
  /** The Dockerfile's text, instead of a file. */
  readonly inline?: string | undefined
}

export interface PackedContext {
  readonly tar: Readable
  /** The Dockerfile's name inside the tar. */
  readonly dockerfile: string
}

const INLINE_NAME = '.shoal.Dockerfile'

/** A context that is a Dockerfile and nothing else. */
export function packDockerfile(content: Buffer): Readable {
  const tar = pack()
  tar.entry({ name: 'Dockerfile' }, content)
  tar.finalize()
  return Readable.from(tar)
}

/** Where the files of a directory lie that is packed for an image of nothing else. */
const COPIED = 'context'

/** A context that makes an image of a directory's files alone, without what its `.dockerignore` names. */
export async function packFilesOnly(directory: string): Promise<Readable> {
  const rules = ignoreRules(await ignoreText({ directory, dockerfile: 'Dockerfile' }))
  const walk: Walk = { ...rules, root: directory, prefix: `${COPIED}/` }
  return packed(async tar => {
    await addText(tar, 'Dockerfile', `FROM scratch\nCOPY ${COPIED}/ /\n`)
    await addEntry(tar, { name: `${COPIED}/`, type: 'directory', mode: 0o755 })
    await addDirectory(tar, '', walk)
  })
}

/** What keeps a directory from being packed: `does not exist`. */
export async function directoryTrouble(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isDirectory() ? undefined : 'is not a directory'
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read: ${whyNot(error)}`
  }
}

/** An archive that is written while it is read; errors of writing end it. */
function packed(write: (tar: Pack) => Promise<void>): Readable {
  const tar = pack()
  void (async () => {
    try {
      await write(tar)
      tar.finalize()
    } catch (error) {
      tar.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  })()
  return Readable.from(tar)
}

/** Packs a build context, without what `.dockerignore` names; errors of reading end the stream. Throws if there is no Dockerfile. */
export async function packContext(source: ContextSource): Promise<PackedContext> {
  const extra = await outsideDockerfile(source)
  const rules = ignoreRules(await ignoreText(source))
  const dockerfile =
    extra === undefined ? relative(source.directory, resolve(source.directory, source.dockerfile)) : INLINE_NAME
  // The builder needs these even where the file says to leave them out.
  const isNeeded = (path: string): boolean => path === dockerfile || path === '.dockerignore'
  const walk: Walk = {
    root: source.directory,
    prefix: '',
    isIgnored: path => !isNeeded(path) && rules.isIgnored(path),
    mayKeepBelow: directory => dockerfile.startsWith(`${directory}/`) || rules.mayKeepBelow(directory),
  }
  const tar = packed(async archive => {
    if (extra !== undefined) await addText(archive, INLINE_NAME, extra)
    await addDirectory(archive, '', walk)
  })
  return { tar, dockerfile }
}

/** The text of a Dockerfile that does not lie in the context; undefined if it does. */
async function outsideDockerfile(source: ContextSource): Promise<string | undefined> {
  const text = await dockerfileText(source)
  const { directory, dockerfile, inline } = source
  const isInside = inline === undefined && !/^\.\.(\/|$)/.test(relative(directory, resolve(directory, dockerfile)))
  return isInside ? undefined : text
}

/** Throws NO_DOCKERFILE if it cannot be read. */
export async function dockerfileText({ directory, dockerfile, inline }: ContextSource): Promise<string> {
  if (inline !== undefined) return inline
  const path = resolve(directory, dockerfile)
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const why = errorCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read: ${whyNot(error)}`
    throw invalidInput('NO_DOCKERFILE', `Cannot build: ${path} ${why}`)
  }
}

/** `<Dockerfile>.dockerignore` wins over `.dockerignore`. */
async function ignoreText({ directory, dockerfile }: ContextSource): Promise<string> {
  for (const file of [`${resolve(directory, dockerfile)}.dockerignore`, join(directory, '.dockerignore')]) {
    try {
      return await readFile(file, 'utf8')
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error
    }
  }
  return ''
}

interface Walk extends IgnoreRules {
  readonly root: string
  /** Before every name in the archive. */
  readonly prefix: string
}

async function addDirectory(tar: Pack, directory: string, walk: Walk): Promise<void> {
  const names = (await readdir(join(walk.root, directory))).sort()
  for (const name of names) {
    const path = directory === '' ? name : `${directory}/${name}`
    const stat = await lstat(join(walk.root, path))
    const ignored = walk.isIgnored(path)
    if (stat.isDirectory()) {
      if (ignored && !walk.mayKeepBelow(path)) continue
      if (!ignored)
        await addEntry(tar, {
          name: `${walk.prefix}${path}/`,
          type: 'directory',
          mode: stat.mode & 0o7777,
          mtime: stat.mtime,
        })
      await addDirectory(tar, path, walk)
    } else if (!ignored) await addFile(tar, path, walk, stat)
  }
}

async function addFile(
  tar: Pack,
  path: string,
  { root, prefix }: Walk,
  stat: { isFile(): boolean; isSymbolicLink(): boolean; mode: number; mtime: Date; size: number },
): Promise<void> {
  const header = { name: `${prefix}${path}`, mode: stat.mode & 0o7777, mtime: stat.mtime }
  if (stat.isSymbolicLink()) {
    await addEntry(tar, { ...header, type: 'symlink', linkname: await readlink(join(root, path)) })
  } else if (stat.isFile()) {
    if (stat.size === 0) return addEntry(tar, { ...header, type: 'file' })
    // A file that grows while it is read must not break the archive: its first bytes are what was there.
    const content = createReadStream(join(root, path), { end: stat.size - 1 })
    await pipeline(content, tar.entry({ ...header, type: 'file', size: stat.size }))
  }
}

function addEntry(tar: Pack, header: Parameters<Pack['entry']>[0]): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry({ ...header, size: 0 }, '', error => (error ? reject(error) : resolve()))
  })
}

function addText(tar: Pack, name: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry({ name, mode: 0o644 }, text, error => (error ? reject(error) : resolve()))
  })
}
