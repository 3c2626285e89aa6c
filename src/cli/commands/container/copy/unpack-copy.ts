import { constants } from 'node:fs'
import { chmod, type FileHandle, lchown, link, lstat, mkdir, open, rm, stat, symlink, utimes } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { extract, type Header } from 'tar-stream'
import { errorCode, failed, invalidInput } from '../../../../core/errors.ts'

export interface UnpackOptions {
  /** The name of what was copied. */
  readonly rootName: string
  readonly isDirectory: boolean
  /** What is inside of a folder, not the folder. */
  readonly contentOnly: boolean
  /** As typed. */
  readonly target: string
  readonly cwd: string
  readonly keepOwners: boolean
}

/** Unpacks a container's tar where `cp` puts it; resolves with the bytes of its files. Nothing is written outside of that place. */
export async function unpackCopy(body: Readable, options: UnpackOptions): Promise<number> {
  const root = await placeOf(options)
  const parser = extract()
  const { promise, resolve: finish, reject } = Promise.withResolvers<void>()
  let bytes = 0
  parser.on('entry', (header, content, next) => {
    // What ends the parser ends its entry too; the parser's error is the one that is told.
    content.on('error', () => {})
    void (async () => {
      try {
        await unpackEntry(root, partsOf(header.name), { header, content, keepOwners: options.keepOwners })
        bytes += header.type === 'file' ? (header.size ?? 0) : 0
        content.resume()
        next()
      } catch (error) {
        parser.destroy(error as Error)
      }
    })()
  })
  parser.on('finish', finish)
  parser.on('error', reject)
  body.on('error', reject)
  body.pipe(parser)
  try {
    await promise
  } finally {
    body.destroy()
  }
  return bytes
}

/** Where the tar's first name goes. */
async function placeOf({ target, cwd, isDirectory, contentOnly, rootName }: UnpackOptions): Promise<string> {
  const path = resolve(cwd, target)
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() === true) return contentOnly ? path : join(path, rootName)
  if (found !== undefined && isDirectory) throw failed('NOT_A_DIRECTORY', 'cannot copy directory')
  if (found === undefined && target.endsWith('/') && !isDirectory) {
    throw failed('NO_SUCH_DIRECTORY', `destination directory "${target}" must be a directory that exists`)
  }
  const parent = await stat(dirname(path)).catch(() => undefined)
  if (parent?.isDirectory() !== true) {
    throw failed('NO_SUCH_DIRECTORY', `invalid output path: directory "${dirname(path)}" does not exist`)
  }
  return path
}

/** Names below the tar's first one. Throws for what leads out. */
function partsOf(name: string): readonly string[] {
  // The root's own name is a slash: what follows it is below.
  const [, ...parts] = name
    .replace(/^\//, './')
    .split('/')
    .filter(part => part !== '')
  if (parts.includes('..')) throw invalidInput('BAD_ARCHIVE', `The archive has a name that leads out of it: ${name}`)
  return parts.filter(part => part !== '.')
}

interface Entry {
  readonly header: Header
  readonly content: AsyncIterable<unknown>
  readonly keepOwners: boolean
}

async function unpackEntry(
  root: string,
  parts: readonly string[],
  { header, content, keepOwners }: Entry,
): Promise<void> {
  await checkParents(root, parts)
  const path = join(root, ...parts)
  const mode = (header.mode ?? 0o644) & 0o7777
  switch (header.type) {
    case 'directory':
      await makeDirectory(path)
      await chmod(path, mode)
      break
    case 'file':
    case 'contiguous-file':
      await writeFile(path, mode, content)
      break
    case 'symlink':
      await rm(path, { force: true })
      await symlink(header.linkname ?? '', path)
      break
    case 'link': {
      const target = partsOf(header.linkname ?? '')
      await checkParents(root, target)
      await rm(path, { force: true })
      await link(join(root, ...target), path)
      return
    }
    default:
      throw failed('CANNOT_COPY', `Cannot copy ${header.name}: a ${header.type} is no file, folder or link`)
  }
  if (keepOwners) await lchown(path, header.uid ?? 0, header.gid ?? 0)
  if (header.type !== 'symlink' && header.mtime !== undefined) await utimes(path, header.mtime, header.mtime)
}

/** A link that the archive has made, or that is there already, is not gone through. */
async function checkParents(root: string, parts: readonly string[]): Promise<void> {
  for (let count = 0; count < parts.length; count++) {
    const path = join(root, ...parts.slice(0, count))
    const stats = await lstat(path).catch(() => undefined)
    if (stats === undefined) await mkdir(path, { recursive: true })
    else if (!stats.isDirectory() && count > 0) {
      throw invalidInput('BAD_ARCHIVE', `Cannot copy below ${path}: it is no folder`)
    }
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    const stats = await lstat(path)
    if (!stats.isDirectory()) throw failed('NOT_A_DIRECTORY', `cannot overwrite non-directory ${path} with a directory`)
  }
}

const WRITE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW

async function writeFile(path: string, mode: number, content: AsyncIterable<unknown>): Promise<void> {
  // What is there may be a link: the file replaces it.
  const stats = await lstat(path).catch(() => undefined)
  if (stats?.isDirectory() === true) throw failed('IS_A_DIRECTORY', `cannot overwrite directory ${path} with a file`)
  if (stats?.isSymbolicLink() === true) await rm(path)
  let file: FileHandle | undefined
  try {
    file = await open(path, WRITE_NEW, 0o600)
    for await (const chunk of content) await file.writeFile(chunk as Buffer)
    await file.chmod(mode)
  } finally {
    await file?.close()
  }
}
