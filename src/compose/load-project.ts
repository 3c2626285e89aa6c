import { checkCycles } from './check/cycles.ts'
import { checkResources } from './check/resources.ts'
import { checkServices } from './check/services.ts'
import { decodeUnits } from './decode.ts'
import { withDefaults } from './defaults.ts'
import { discover } from './files/discover.ts'
import { isTruthy, type Variables, withDefaultEnvFile, withEnvFiles } from './files/environment.ts'
import type { FileReader } from './files/file-reader.ts'
import { projectName } from './files/project-name.ts'
import type { FetchRemote } from './files/remote.ts'
import { substitute, TemplateError } from './interpolate/template.ts'
import { lookupIn } from './load-context.ts'
import { loadFiles, type ParsedFile, parseFiles } from './load-files.ts'
import { normalise } from './normalise.ts'
import { absolute, resolvePaths } from './paths.ts'
import { type Problem, problem, type Report } from './problem.ts'
import { checkVariableNames, resolveBareVariables, resolveFiles } from './resolve-environment.ts'
import { applyProfiles, pruneResources, type Selection, selectServices } from './selection.ts'
import { SourceIndex } from './source-index.ts'
import { asTree, fromEntries, isTree, showPath, type Tree } from './tree.ts'

/** What was asked on the command line, and where. */
export interface LoadOptions {
  /** Absolute. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly files?: readonly string[]
  readonly projectName?: string | undefined
  readonly projectDirectory?: string | undefined
  readonly envFiles?: readonly string[]
  readonly profiles?: readonly string[]
  /** Only these, with what they depend on. */
  readonly services?: readonly string[]
  readonly withDependencies?: boolean
  /** Text of the file `-`. */
  readonly stdin?: () => string
  readonly warn?: (message: string) => void
  readonly keepUnusedResources?: boolean
  /** Gets compose files that are on web servers; absent: they are refused. */
  readonly fetchRemote?: FetchRemote | undefined
  /** Parts of the full load that a command may leave out. */
  readonly skip?: ReadonlySet<'interpolate' | 'normalise' | 'paths' | 'consistency' | 'env-files' | 'profiles'>
}

/** A compose project, loaded, merged, checked and in canonical form. */
export interface Project {
  readonly name: string
  readonly workingDir: string
  readonly configFiles: readonly string[]
  readonly variables: Variables
  /** Top-level sections in compose's own words; services are those that are enabled and selected. */
  readonly model: Tree
  /** `depends_on` of services by their name, of what is not selected too. */
  readonly dependencies: Tree
  /** Services whose profile is not active. */
  readonly disabledServices: Tree
  /** Names of all services of the files, wanted now or not. */
  readonly serviceNames: readonly string[]
  /** Where things were written, for later messages. */
  readonly sources: SourceIndex
}

/** The files of a project, parsed, before anything is interpreted. */
export interface Opened {
  readonly files: readonly ParsedFile[]
  readonly name: string
  readonly workingDir: string
  readonly variables: Variables
}

/** Finds and parses the files, reads `.env`, and settles the project's name. */
export function openProject(options: LoadOptions, reader: FileReader): Opened {
  const warn = onceEach(options.warn ?? (() => {}))
  const own = processVariables(options)
  const first = environmentBeforeDiscovery(options, own, { reader, warn })
  const { files, projectDir } = discover(
    {
      cwd: options.cwd,
      files: options.files ?? [],
      projectDirectory: options.projectDirectory,
      lookup: lookupIn(first),
      warn,
      fetchRemote: options.fetchRemote,
    },
    reader,
  )
  const variables = usesDefaultEnvFile(options, own) ? withDefaultEnvFile(first, projectDir, { reader, warn }) : first
  const parsed = parseFiles(files, file => readFile(file, options, reader))
  const name = projectName({
    flag: options.projectName,
    environment: variables.get('COMPOSE_PROJECT_NAME'),
    file: nameInFiles(parsed, variables),
    projectDir,
  })
  return {
    files: parsed,
    name,
    workingDir: projectDir,
    variables: new Map([...variables, ['COMPOSE_PROJECT_NAME', name]]),
  }
}

/** Loads a project. Throws ComposeError with everything that is wrong and where. */
export function loadProject(options: LoadOptions, reader: FileReader): Project {
  const warn = onceEach(options.warn ?? (() => {}))
  const skip = options.skip ?? new Set<never>()
  const { files, name, workingDir, variables } = openProject({ ...options, warn }, reader)
  const sources = new SourceIndex()
  const loaded = loadFiles(files, {
    reader,
    sources,
    variables,
    projectDir: workingDir,
    warn,
    report: found => sources.refuse([found]),
    interpolate: !skip.has('interpolate'),
    fetchRemote: options.fetchRemote,
    including: files.map(({ file }) => file),
  })
  const problems: Problem[] = []
  const report = (found: Problem): void => void problems.push(sources.place(found))
  const model = complete(loaded, { options, reader, name, workingDir, variables, sources, report })
  const selection = selectionOf(options, variables)
  const { enabled, disabled } = skip.has('profiles')
    ? { enabled: asTree(model['services']), disabled: {} }
    : applyProfiles(asTree(model['services']), selection)
  const active = { ...model, services: enabled }
  if (!skip.has('consistency')) {
    // What cannot be read has been told; that it disagrees with something else would only confuse.
    const told = new Set(problems.map(({ path }) => showPath(path ?? [])))
    const found = [...checkServices(active), ...checkCycles(enabled)]
    found.filter(({ path }) => !told.has(showPath(path ?? []))).forEach(report)
  }
  const withFiles = skip.has('env-files') ? active : resolveFiles(active, { reader, variables, warn, report })
  sources.refuse(problems)
  const selected = { ...withFiles, services: selectServices(asTree(withFiles['services']), selection) }
  return {
    name,
    workingDir,
    configFiles: files.map(({ file }) => file),
    variables,
    model: { ...(options.keepUnusedResources === true ? selected : pruneResources(selected)), name },
    dependencies: fromEntries(Object.entries(enabled).map(([key, service]) => [key, asTree(service)['depends_on']])),
    disabledServices: disabled,
    serviceNames: Object.keys(asTree(model['services'])),
    sources,
  }
}

interface Completion {
  readonly options: LoadOptions
  readonly reader: FileReader
  readonly name: string
  readonly workingDir: string
  readonly variables: Variables
  readonly sources: SourceIndex
  readonly report: Report
}

/** The phases behind the merge, over all services. */
function complete(loaded: Tree, completion: Completion): Tree {
  const { options, reader, name, workingDir, variables, sources, report } = completion
  const skip = options.skip ?? new Set<never>()
  const defaulted = withDefaults({ ...loaded, services: asTree(loaded['services']) })
  checkVariableNames(defaulted, report)
  if (!skip.has('consistency')) checkResources(defaulted).forEach(report)
  const home = variables.get('HOME')
  const located = skip.has('paths')
    ? defaulted
    : resolvePaths(defaulted, {
        directory: workingDir,
        home,
        realPath: reader.realPath,
        onLocalBind: sources.noteLocalBind,
      })
  const resolved = skip.has('env-files') ? located : resolveBareVariables(located, variables)
  const decoded = decodeUnits(resolved)
  if (!skip.has('interpolate')) decoded.problems.forEach(report)
  return skip.has('normalise') ? decoded.model : normalise(decoded.model, name)
}

function selectionOf(options: LoadOptions, variables: Variables): Selection {
  const flags = options.profiles ?? []
  const profiles = flags.length > 0 ? flags : (variables.get('COMPOSE_PROFILES') ?? '').split(',')
  return {
    profiles: profiles.map(profile => profile.trim()),
    services: options.services ?? [],
    withDependencies: options.withDependencies ?? true,
  }
}

function processVariables({ env, cwd }: LoadOptions): Variables {
  const entries = Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
  return new Map([['PWD', cwd], ...entries])
}

function usesDefaultEnvFile(options: LoadOptions, own: Variables): boolean {
  const named = (options.envFiles ?? []).length > 0 || (own.get('COMPOSE_ENV_FILES') ?? '') !== ''
  return !named && !isTruthy(own.get('COMPOSE_DISABLE_ENV_FILE'))
}

/** Env files that are named, or the `.env` where discovery starts, which may itself hold COMPOSE_FILE. */
function environmentBeforeDiscovery(
  options: LoadOptions,
  own: Variables,
  sources: { readonly reader: FileReader; readonly warn: (message: string) => void },
): Variables {
  const listed = (own.get('COMPOSE_ENV_FILES') ?? '').split(',').filter(file => file !== '')
  const named = (options.envFiles ?? []).length > 0 ? (options.envFiles ?? []) : listed
  if (named.length > 0) {
    const files = named.map(file => absolute(file, { directory: options.cwd, home: own.get('HOME') }))
    return withEnvFiles(own, files, sources)
  }
  if (!usesDefaultEnvFile(options, own)) return own
  if (options.projectDirectory !== undefined) {
    return withDefaultEnvFile(
      own,
      absolute(options.projectDirectory, { directory: options.cwd, home: undefined }),
      sources,
    )
  }
  const first = options.files?.find(file => file !== '-')
  if (first === undefined) return withDefaultEnvFile(own, options.cwd, sources)
  const directory = absolute(first, { directory: options.cwd, home: undefined }).replace(/\/[^/]*$/, '')
  return withDefaultEnvFile(own, directory === '' ? '/' : directory, sources)
}

function readFile(file: string, { stdin }: LoadOptions, reader: FileReader): string {
  const text = file === '-' ? stdin?.() : reader.read(file)
  if (text === undefined) throw problem(`stat ${file}: no such file or directory`)
  return text
}

/** `name:` of the last file that has one, its variables filled in. */
function nameInFiles(files: readonly ParsedFile[], variables: Variables): string | undefined {
  const names = files.flatMap(({ documents }) =>
    documents.flatMap(({ value }) => (isTree(value) && typeof value['name'] === 'string' ? [value['name']] : [])),
  )
  const last = names.at(-1)
  if (last === undefined) return undefined
  try {
    return substitute(last, lookupIn(variables), () => {})
  } catch (error) {
    if (error instanceof TemplateError) throw problem(`error while interpolating name: ${error.message}`)
    throw error
  }
}

function onceEach(warn: (message: string) => void): (message: string) => void {
  const seen = new Set<string>()
  return message => {
    if (seen.has(message)) return
    seen.add(message)
    warn(message)
  }
}
