import { parseDotenv, parseRawEnv } from './files/dotenv.ts'
import type { Variables } from './files/environment.ts'
import type { FileReader } from './files/file-reader.ts'
import type { Lookup } from './interpolate/template.ts'
import { collect, PathError, type Report } from './problem.ts'
import {
  asList,
  asText,
  asTree,
  fromEntries,
  isList,
  isTree,
  mapValues,
  type Path,
  type Tree,
  without,
} from './tree.ts'

export interface EnvironmentSources {
  readonly reader: FileReader
  readonly variables: Variables
  readonly warn: (message: string) => void
  readonly report: Report
}

/** Gives bare keys of `environment` and build arguments the value that the project's environment has for them. */
export function resolveBareVariables(model: Tree, variables: Variables): Tree {
  return mapServices(model, service => {
    const build = service['build']
    return {
      ...service,
      ...(isTree(service['environment']) ? { environment: filled(service['environment'], variables) } : {}),
      ...(isTree(build) && isTree(build['args'])
        ? { build: { ...build, args: withoutNulls(filled(build['args'], variables)) } }
        : {}),
    }
  })
}

function filled(map: Tree, variables: Variables): Tree {
  return mapValues(map, (value, key) => value ?? variables.get(key) ?? null)
}

/** A build argument without a value is not given at all, so that the Dockerfile's default holds. */
function withoutNulls(map: Tree): Tree {
  return fromEntries(Object.entries(map).filter(([, value]) => value !== null))
}

/** Reads `env_file` under `environment` and `label_file` under `labels`, and drops both attributes. */
export function resolveFiles(model: Tree, sources: EnvironmentSources): Tree {
  return mapServices(model, (service, name) => {
    const path: Path = ['services', name]
    const environment = asTree(service['environment'])
    const fromFiles = readEnvFiles(asList(service['env_file']), environment, [...path, 'env_file'], sources)
    const labels = readLabelFiles(asList(service['label_file']), [...path, 'label_file'], sources)
    const merged = { ...fromFiles, ...environment }
    const allLabels = { ...labels, ...asTree(service['labels']) }
    return {
      ...without(service, 'env_file', 'label_file'),
      ...(Object.keys(merged).length > 0 ? { environment: merged } : {}),
      ...(Object.keys(allLabels).length > 0 ? { labels: allLabels } : {}),
    }
  })
}

function readEnvFiles(entries: readonly unknown[], environment: Tree, path: Path, sources: EnvironmentSources): Tree {
  const values = new Map<string, string>()
  const lookup = (key: string): string | undefined => {
    const own = environment[key]
    return sources.variables.get(key) ?? (typeof own === 'string' ? own : undefined) ?? values.get(key)
  }
  for (const [index, entry] of entries.entries()) {
    const where = [...path, String(index)]
    const parsed = collect<ReadonlyMap<string, string>>(sources.report, new Map(), () =>
      readEnvFile(asTree(entry), where, lookup, sources),
    )
    for (const [key, value] of parsed) values.set(key, value)
  }
  return fromEntries(values)
}

function readEnvFile(
  entry: Tree,
  where: Path,
  lookup: Lookup,
  { reader, warn }: EnvironmentSources,
): ReadonlyMap<string, string> {
  const file = asText(entry['path'])
  const format = asText(entry['format'])
  if (format !== '' && format !== 'raw') throw new PathError(where, `unsupported env_file format "${format}"`)
  const text = reader.kind(file) === 'file' ? reader.read(file) : undefined
  if (text === undefined) {
    if (entry['required'] === false) return new Map()
    throw new PathError(where, `env file ${file} not found: stat ${file}: no such file or directory`)
  }
  return format === 'raw' ? parseRawEnv(text, lookup) : parseDotenv(text, { file, lookup, warn })
}

function readLabelFiles(files: readonly unknown[], path: Path, sources: EnvironmentSources): Tree {
  const values = new Map<string, string>()
  for (const [index, entry] of files.entries()) {
    const file = asText(entry)
    const text = sources.reader.kind(file) === 'file' ? sources.reader.read(file) : undefined
    if (text === undefined) {
      sources.report({ path: [...path, String(index)], message: `label file ${file} not found` })
      continue
    }
    const lookup = (key: string): string | undefined => values.get(key)
    const parsed = collect<ReadonlyMap<string, string>>(sources.report, new Map(), () =>
      parseDotenv(text, { file, lookup, warn: sources.warn }),
    )
    for (const [key, value] of parsed) values.set(key, value)
  }
  return fromEntries(values)
}

/** A list of `environment` may not have a blank before the equals sign. */
export function checkVariableNames(model: Tree, report: Report): void {
  for (const [name, service] of Object.entries(asTree(model['services']))) {
    const environment = asTree(service)['environment']
    for (const key of isList(environment) ? [] : Object.keys(asTree(environment))) {
      if (key !== key.trimEnd()) {
        const message = `services.${name}.environment: environment variable ${key} is declared with a trailing space`
        report({ path: ['services', name, 'environment', key], message })
      }
    }
  }
}

function mapServices(model: Tree, change: (service: Tree, name: string) => Tree): Tree {
  return {
    ...model,
    services: mapValues(asTree(model['services']), (service, name) =>
      isTree(service) ? change(service, name) : service,
    ),
  }
}
