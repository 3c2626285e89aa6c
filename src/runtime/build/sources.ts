import { createHash } from 'node:crypto'
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from 'node:fs'
import { basename, join } from 'node:path'
import { errorCode, notFound } from '../../core/errors.ts'
import { holdDirectory, openInside, splitInside } from '../linux/fd-path.ts'
import { patternExpression } from './path-patterns.ts'

const O_PATH = 0o10000000
const READ_BYTES = 256 * 1024

/** A tree that COPY takes from: the build context, or the root of another stage or image. */
export interface SourceTree {
  readonly directory: string
  readonly ignored: (path: string) => boolean
  /** `the build context`, `stage "builder"`: for messages. */
  readonly name: string
}

/** One file, directory or link to copy. */
export interface SourceEntry {
  /** Below the source: empty for the source itself. */
  readonly path: string
  readonly realPath: string
  readonly stats: Stats
}

/** One source of a COPY, found: a file, or a directory with all below it. */
export interface Source {
  readonly name: string
  readonly isDirectory: boolean
  readonly entries: readonly SourceEntry[]
}

/** Finds what a source word means, patterns included. Throws NO_SUCH_SOURCE. */
export function findSources(tree: SourceTree, word: string): readonly Source[] {
  const components = splitInside(word)
  const found = /[*?[]/.test(word) ? expandPattern(tree, components) : [components]
  const sources = found
    .filter(path => path.length === 0 || !tree.ignored(path.join('/')))
    .map(path => openSource(tree, path))
  if (sources.length > 0) return sources
  throw notFound('NO_SUCH_SOURCE', `"${word}" is not in ${tree.name}: check the path and .dockerignore`)
}

/** Source trees do not change while they are read: only their links must not lead out, which the first step sees to. */
function openSource(tree: SourceTree, components: readonly string[]): Source {
  const real = realPathInside(tree, components.join('/'))
  const stats = lstatSync(real)
  const prefix = components.join('/')
  const entries: SourceEntry[] = []
  const walk = (path: string): void => {
    const realPath = path === '' ? real : join(real, path)
    const inner = [prefix, path].filter(part => part !== '').join('/')
    const stats = lstatSync(realPath)
    const left = path !== '' && tree.ignored(inner)
    if (!left) entries.push({ path, realPath, stats })
    // A directory that is left out may hold files that are taken in again.
    if (!stats.isDirectory()) return
    for (const name of readdirSync(realPath).sort()) walk(path === '' ? name : `${path}/${name}`)
  }
  walk('')
  return { name: components.at(-1) ?? basename(real), isDirectory: stats.isDirectory(), entries }
}

function realPathInside(tree: SourceTree, path: string): string {
  using root = holdDirectory(tree.directory)
  let fd: number
  try {
    fd = openInside(root, path, O_PATH)
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) throw error
    throw notFound('NO_SUCH_SOURCE', `"${path}" is not in ${tree.name}: check the path and .dockerignore`)
  }
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } finally {
    closeSync(fd)
  }
}

function expandPattern(tree: SourceTree, components: readonly string[]): readonly string[][] {
  let found: string[][] = [[]]
  for (const component of components) {
    const expression = patternExpression(component)
    found = found.flatMap(path => {
      const directory = join(tree.directory, ...path)
      // Patterns look only at what is really there, not through links.
      if (!lstatSync(directory).isDirectory()) return []
      return readdirSync(directory)
        .filter(name => expression.test(name))
        .sort()
        .map(name => [...path, name])
    })
  }
  return found
}

/** A digest of what a COPY would bring: names, types, modes and content; not times, which a checkout changes. */
export function digestSources(sources: readonly Source[]): string {
  const hash = createHash('sha256')
  for (const { name, entries } of sources) {
    hash.update(`source ${name}\0`)
    for (const { path, realPath, stats } of entries) {
      hash.update(`${path}\0${stats.mode}\0`)
      if (stats.isSymbolicLink()) hash.update(readlinkSync(realPath))
      if (stats.isFile()) readFileIn(realPath, chunk => hash.update(chunk))
    }
  }
  return hash.digest('hex')
}

/** Reads a file piece by piece; the buffer is used again for the next piece. */
export function readFileIn(path: string, take: (chunk: Buffer) => void): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer)) take(buffer.subarray(0, read))
  } finally {
    closeSync(fd)
  }
}
