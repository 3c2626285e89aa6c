import { posix } from 'node:path'
import { pathTable } from './path-table.ts'
import { asText, isTree, type Tree } from './tree.ts'

export interface PathOptions {
  /** Where relative paths start. */
  readonly directory: string
  readonly home?: string | undefined
  readonly realPath: (path: string) => string
  /** Told what a bind mount that is written relative, or from the home directory, comes to. */
  readonly onLocalBind?: (path: string) => void
}

type Resolve = (value: unknown, options: PathOptions) => unknown

/** An absolute, clean path; `~` is the home directory. */
export function absolute(text: string, { directory, home }: Pick<PathOptions, 'directory' | 'home'>): string {
  if (text === '' || isWindowsPath(text)) return text
  const expanded = /^~(?=\/|$)/.test(text) && home !== undefined ? `${home}${text.slice(1)}` : text
  return posix.isAbsolute(expanded) ? expanded : posix.resolve(directory, expanded)
}

function isWindowsPath(text: string): boolean {
  return /^(?:[A-Za-z]:[\\/]|\\\\)/.test(text)
}

const path: Resolve = (value, options) => (typeof value === 'string' ? absolute(value, options) : value)

const isRemote = (text: string): boolean =>
  /^(?:[a-z][a-z0-9+.-]*:\/\/|git@|github\.com\/|service:|target:)/i.test(text)

/** A build context may also be a repository or an address. */
const context: Resolve = (value, options) =>
  typeof value === 'string' && !isRemote(value) ? absolute(value, options) : value

const bindSource: Resolve = (value, options) => {
  if (!isTree(value) || value['type'] !== 'bind' || typeof value['source'] !== 'string') return value
  const source = absolute(value['source'], options)
  if (source !== value['source']) options.onLocalBind?.(source)
  return { ...value, source }
}

const bindDevice: Resolve = (value, options) => {
  if (!isTree(value) || value['driver'] !== 'local' || !isTree(value['driver_opts'])) return value
  const { o, device, ...rest } = value['driver_opts']
  if (!asText(o).split(',').includes('bind') || typeof device !== 'string') return value
  return { ...value, driver_opts: { ...rest, o, device: absolute(device, options) } }
}

/** Watched paths are compared with what the kernel reports, so symbolic links are resolved. */
const watched: Resolve = (value, options) =>
  typeof value === 'string' && value !== '' ? options.realPath(absolute(value, options)) : value

const sshKey: Resolve = (value, options) => {
  const [id = '', file] = asText(value).split('=')
  return file === undefined ? value : `${id}=${absolute(file, options)}`
}

const TABLE = pathTable<Resolve>([
  ['configs.*.file', path],
  ['secrets.*.file', path],
  ['services.*.build.additional_contexts.*', context],
  ['services.*.build.context', context],
  ['services.*.build.ssh.*', sshKey],
  ['services.*.develop.watch.*.path', watched],
  ['services.*.env_file.*.path', path],
  ['services.*.extends.file', path],
  ['services.*.label_file.*', path],
  ['services.*.volumes.*', bindSource],
  ['volumes.*', bindDevice],
])

/** Makes every path of a canonical model absolute. */
export function resolvePaths(model: Tree, options: PathOptions): Tree {
  return TABLE.rebuild(model, (resolve, value) => resolve(value, options)) as Tree
}
