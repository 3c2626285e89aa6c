import { posix } from 'node:path'
import { type FileReader, type LoadOptions, loadProject, type Project } from '../../src/compose/index.ts'

/** Files by path; relative ones stand in the project directory. */
export type Files = Readonly<Record<string, string>>

export const DIRECTORY = '/srv/shop'

/** A disk in memory. */
export function memoryReader(files: Files): FileReader {
  const absolute = new Map(Object.entries(files).map(([path, text]) => [posix.resolve(DIRECTORY, path), text]))
  const isDirectory = (path: string): boolean => [...absolute.keys()].some(file => file.startsWith(`${path}/`))
  return {
    read: path => absolute.get(path),
    kind: path => (absolute.has(path) ? 'file' : isDirectory(path) ? 'directory' : undefined),
    realPath: path => path,
  }
}

/** Loads `compose.yaml`, or what the options say, from a disk in memory. */
export function load(files: Files | string, options: Partial<LoadOptions> = {}): Project {
  const disk = typeof files === 'string' ? { 'compose.yaml': files } : files
  return loadProject({ cwd: DIRECTORY, env: {}, ...options }, memoryReader(disk))
}

/** One service of a project with a single service `web`, loaded. */
export function service(yaml: string, options: Partial<LoadOptions> = {}): Readonly<Record<string, unknown>> {
  const body = yaml
    .trim()
    .split('\n')
    .map(line => `    ${line}`)
    .join('\n')
  const project = load(`services:\n  web:\n    image: a\n${body}\n`, options)
  return (project.model['services'] as Record<string, Record<string, unknown>>)['web'] ?? {}
}

/** The message of what `work` throws. */
export function messageOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  throw new Error('expected an error, and there was none')
}
