import { posix } from 'node:path'
import { problem } from '../problem.ts'
import { parseDotenv } from './dotenv.ts'
import type { FileReader } from './file-reader.ts'

/** Variables by name. */
export type Variables = ReadonlyMap<string, string>

export interface DotenvSources {
  readonly reader: FileReader
  readonly warn: (message: string) => void
}

/** Reads env files in order, later ones winning among themselves, and puts them under the variables that are there. */
export function withEnvFiles(
  variables: Variables,
  files: readonly string[],
  { reader, warn }: DotenvSources,
): Variables {
  const values = new Map<string, string>()
  for (const file of files) {
    if (file === '/dev/null') continue
    const text = reader.kind(file) === 'directory' ? undefined : reader.read(file)
    if (text === undefined) throw problem(`couldn't find env file: ${file}`)
    const lookup = (name: string): string | undefined => variables.get(name) ?? values.get(name)
    for (const [key, value] of parseDotenv(text, { file, lookup, warn })) values.set(key, value)
  }
  return new Map([...values, ...variables])
}

/** The same with `<directory>/.env`, if it is there and is a file; keys that are known stay. */
export function withDefaultEnvFile(variables: Variables, directory: string, sources: DotenvSources): Variables {
  const file = posix.join(directory, '.env')
  return sources.reader.kind(file) === 'file' ? withEnvFiles(variables, [file], sources) : variables
}

/** A switch in the environment: `1`, `true`, `yes`, `on`. */
export function isTruthy(value: string | undefined): boolean {
  return /^(?:1|t|true|y|yes|on)$/i.test(value ?? '')
}
