import { posix } from 'node:path'
import { withDefaults } from './defaults.ts'
import { withDefaultEnvFile, withEnvFiles } from './files/environment.ts'
import { copyOfRemote } from './files/remote.ts'
import type { LoadContext } from './load-context.ts'
import { merge } from './merge/merge.ts'
import { resolvePaths } from './paths.ts'
import { collect, PathError } from './problem.ts'
import { asList, asText, asTree, fromEntries, isList, isTree, type Path, type Tree } from './tree.ts'

/** What an included project gives to the one that includes it. */
const IMPORTED = ['services', 'volumes', 'networks', 'secrets', 'configs', 'models']

type LoadFiles = (files: readonly string[], context: LoadContext) => Tree

/** Loads what `include` names and puts it under the model; the local definitions, then the earlier includes, win. */
export function applyInclude(model: Tree, context: LoadContext, loadFiles: LoadFiles): Tree {
  const { include, ...local } = model
  if (include === undefined || include === null) return local
  if (!isList(include)) throw new PathError(['include'], '`include` must be a list')
  return include.reduce<Tree>((into, entry, index) => {
    return collect(context.report, into, () => {
      const imported = loadIncluded(entry, ['include', String(index)], context, loadFiles)
      return asTree(merge(imported, into))
    })
  }, local)
}

function loadIncluded(entry: unknown, path: Path, context: LoadContext, loadFiles: LoadFiles): Tree {
  const { files, directory, envFiles } = readEntry(entry, path, context)
  for (const file of files) {
    if (context.reader.kind(file) !== 'file') throw new PathError(path, `stat ${file}: no such file or directory`)
    if (context.including.includes(file)) {
      const chain = [...context.including, file]
      throw new PathError(
        path,
        `include cycle detected:\n${chain[0] ?? ''}${chain
          .slice(1)
          .map(next => `\n include ${next}`)
          .join('')}`,
      )
    }
  }
  const sources = { reader: context.reader, warn: context.warn }
  const variables =
    envFiles === undefined
      ? withDefaultEnvFile(context.variables, directory, sources)
      : withEnvFiles(context.variables, envFiles, sources)
  const inner: LoadContext = {
    ...context,
    variables,
    projectDir: directory,
    including: [...context.including, ...files],
  }
  const loaded = withDefaults(loadFiles(files, inner))
  const resolved = resolvePaths(loaded, {
    directory,
    home: variables.get('HOME'),
    realPath: context.reader.realPath,
    onLocalBind: context.sources.noteLocalBind,
  })
  return fromEntries(IMPORTED.map(section => [section, resolved[section]] as const))
}

function readEntry(
  entry: unknown,
  path: Path,
  { projectDir, fetchRemote }: LoadContext,
): {
  readonly files: readonly string[]
  readonly directory: string
  readonly envFiles: readonly string[] | undefined
} {
  const resolve = (value: unknown): readonly string[] =>
    asList(value).map(item => {
      const copy = copyOfRemote(asText(item), fetchRemote, why => new PathError(path, why))
      return copy ?? posix.resolve(projectDir, asText(item))
    })
  const record = isTree(entry) ? entry : { path: entry }
  const files = resolve(record['path'])
  const [first] = files
  if (first === undefined) throw new PathError(path, 'include.path is required')
  const directory =
    record['project_directory'] === undefined
      ? posix.dirname(first)
      : posix.resolve(projectDir, asText(record['project_directory']))
  const envFiles = record['env_file'] === undefined ? undefined : resolve(record['env_file'])
  return { files, directory, envFiles }
}
