import { posix } from 'node:path'
import { ComposeError, problem } from '../problem.ts'
import type { FileReader } from './file-reader.ts'
import { copyOfRemote, type FetchRemote } from './remote.ts'

export interface DiscoverOptions {
  readonly cwd: string
  /** `-f`, in order; `-` is standard input. */
  readonly files: readonly string[]
  readonly projectDirectory?: string | undefined
  /** COMPOSE_FILE and COMPOSE_PATH_SEPARATOR are read through it. */
  readonly lookup: (name: string) => string | undefined
  readonly warn: (message: string) => void
  readonly fetchRemote?: FetchRemote | undefined
}

export interface Discovered {
  /** Absolute paths; `-` for standard input. */
  readonly files: readonly string[]
  /** What relative paths start from. */
  readonly projectDir: string
}

const NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml']
const OVERRIDES = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
]

/** No file was named, and there is none where files usually are. */
export class NoComposeFile extends ComposeError {
  constructor(directory: string) {
    const remedy = `Write a compose.yaml in ${directory} or a parent directory, or name one with -f`
    super([{ message: `no configuration file provided: not found. ${remedy}` }])
  }
}

/** Finds the compose files: those named by `-f`, then COMPOSE_FILE, then the usual names here or in a parent directory. */
export function discover(options: DiscoverOptions, reader: FileReader): Discovered {
  const named = namedFiles(options)
  if (named.length > 0) {
    for (const file of named) {
      if (file !== '-' && reader.kind(file) === undefined) throw problem(`stat ${file}: no such file or directory`)
    }
    return { files: named, projectDir: directoryOf(options, named) }
  }
  const start =
    options.projectDirectory === undefined ? options.cwd : posix.resolve(options.cwd, options.projectDirectory)
  const found = findUpwards(start, options, reader)
  if (found === undefined) {
    throw new NoComposeFile(start)
  }
  return { files: found, projectDir: options.projectDirectory === undefined ? posix.dirname(found[0] ?? start) : start }
}

function namedFiles({ cwd, files, lookup, fetchRemote }: DiscoverOptions): readonly string[] {
  const separator = lookup('COMPOSE_PATH_SEPARATOR') || ':'
  const fromEnvironment = (lookup('COMPOSE_FILE') ?? '').split(separator).filter(file => file !== '')
  const named = files.length > 0 ? files : fromEnvironment
  return named.map(file => {
    const copy = copyOfRemote(file, fetchRemote, problem)
    return copy ?? (file === '-' ? file : posix.resolve(cwd, file))
  })
}

/** The directory that relative paths of all files start from. */
function directoryOf({ cwd, projectDirectory }: DiscoverOptions, files: readonly string[]): string {
  if (projectDirectory !== undefined) return posix.resolve(cwd, projectDirectory)
  const first = files.find(file => file !== '-')
  return first === undefined ? cwd : posix.dirname(first)
}

function findUpwards(start: string, { warn }: DiscoverOptions, reader: FileReader): readonly string[] | undefined {
  for (let directory = start; ; directory = posix.dirname(directory)) {
    const present = NAMES.filter(name => reader.kind(posix.join(directory, name)) === 'file')
    const [base] = present
    if (base !== undefined) {
      if (present.length > 1) {
        warn(`Found multiple config files with supported names: ${present.join(', ')}. Using ${base}`)
      }
      const overrides = OVERRIDES.filter(name => reader.kind(posix.join(directory, name)) === 'file')
      if (overrides.length > 1) {
        warn(`Found multiple override files with supported names: ${overrides.join(', ')}. Using ${overrides[0] ?? ''}`)
      }
      return [base, ...overrides.slice(0, 1)].map(name => posix.join(directory, name))
    }
    if (directory === posix.dirname(directory)) return undefined
  }
}
