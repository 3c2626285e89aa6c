import { posix } from 'node:path'
import { asList, asText, asTree, type Project, servicesOf, type Tree } from '../../../../compose/index.ts'
import { invalidInput } from '../../../../core/errors.ts'
import { excludeRules, type IgnoreRules } from '../../../../core/path-patterns.ts'

export type WatchAction = 'rebuild' | 'sync' | 'restart' | 'sync+restart' | 'sync+exec'

/** A command that is run in the containers when files have come. */
export interface HookCommand {
  readonly command: readonly string[]
  readonly user?: string
  readonly workingDir?: string
  readonly privileged: boolean
  readonly environment: readonly string[]
}

/** One entry of a service's `develop.watch`. */
export interface WatchRule {
  readonly service: string
  readonly action: WatchAction
  /** What is watched here: a file, or a directory with all below it. Absolute. */
  readonly path: string
  /** Where it stands in the containers; empty for actions that copy nothing. */
  readonly target: string
  readonly initialSync: boolean
  readonly exec?: HookCommand
  /** Whether what lies there, relative to `path`, counts. */
  readonly rules: RelevantFiles
}

/** Which paths below a directory are looked at. */
export interface RelevantFiles {
  readonly isRelevant: (path: string) => boolean
  /** Whether a directory may hold something relevant. */
  readonly mayHoldRelevant: (directory: string) => boolean
}

/** What editors write beside a file for a moment, and git's own files. */
const PASSING = [
  '**/.git',
  '**/*.swp',
  '**/*.swx',
  '**/*~',
  '**/4913',
  '**/.#*',
  '**/#*#',
  '**/*___jb_tmp___',
  '**/*___jb_old___',
]

/**
 * The rules of these services (of all, if none is named). `ignoreText` gives a build context's `.dockerignore`. Throws
 * NOT_WATCHED where nothing is to be watched, and for what cannot be done.
 */
export function watchRules(
  { model }: Pick<Project, 'model'>,
  services: readonly string[],
  ignoreText: (context: string) => string,
): readonly WatchRule[] {
  const found = Object.entries(servicesOf(model))
    .filter(([name]) => services.length === 0 || services.includes(name))
    .flatMap(([name, service]) => serviceRules(name, service, ignoreText))
  if (found.length > 0) return found
  throw invalidInput(
    'NOT_WATCHED',
    "none of the selected services is configured for watch, consider setting a 'develop' section",
  )
}

function serviceRules(name: string, service: Tree, ignoreText: (context: string) => string): readonly WatchRule[] {
  const rules = asList(asTree(service['develop'])['watch']).map(asTree)
  const context = asText(asTree(service['build'])['context'])
  return rules.map((rule): WatchRule => {
    const action = asText(rule['action']) as WatchAction
    if (action === 'rebuild' && service['build'] === undefined) {
      throw invalidInput(
        'NOT_WATCHED',
        `can't watch service "${name}" with action rebuild without a build context: give it a build section`,
      )
    }
    const path = asText(rule['path'])
    const exec = asTree(rule['exec'])
    return {
      service: name,
      action,
      path,
      target: action.startsWith('sync') ? targetOf(name, asText(rule['target'])) : '',
      initialSync: rule['initial_sync'] === true,
      rules: relevantFiles(path, {
        ignore: asList(rule['ignore']).map(asText),
        include: asList(rule['include']).map(asText),
        context,
        contextIgnore: context === '' ? '' : ignoreText(context),
      }),
      ...(action === 'sync+exec' ? { exec: hookCommand(name, exec) } : {}),
    }
  })
}

function targetOf(name: string, target: string): string {
  if (posix.isAbsolute(target)) return posix.normalize(target).replace(/(?<=.)\/$/, '')
  throw invalidInput('NOT_WATCHED', `can't watch service "${name}": the target "${target}" is no absolute path`)
}

function hookCommand(service: string, exec: Tree): HookCommand {
  const command = asList(exec['command']).map(asText)
  if (command.length === 0) {
    throw invalidInput('NOT_WATCHED', `can't watch service "${service}": action sync+exec needs exec.command`)
  }
  const [user, workingDir] = [asText(exec['user']), asText(exec['working_dir'])]
  return {
    command,
    privileged: exec['privileged'] === true,
    environment: Object.entries(asTree(exec['environment'])).map(([key, value]) => `${key}=${String(value)}`),
    ...(user === '' ? {} : { user }),
    ...(workingDir === '' ? {} : { workingDir }),
  }
}

interface Patterns {
  readonly ignore: readonly string[]
  readonly include: readonly string[]
  /** Directory of the build context, and the text of its `.dockerignore`; empty: there is none. */
  readonly context: string
  readonly contextIgnore: string
}

/** A rule's own patterns start from its path, those of a `.dockerignore` from the build context. */
function relevantFiles(root: string, { ignore, include, context, contextIgnore }: Patterns): RelevantFiles {
  const own = excludeRules([...PASSING, ...ignore])
  const wanted = include.length === 0 ? undefined : excludeRules(include)
  const lines = contextIgnore.split(/\r?\n/).filter(line => !line.startsWith('#'))
  const below = posix.relative(context, root)
  const isInContext = context !== '' && below !== '..' && !below.startsWith('../')
  const fromContext: IgnoreRules | undefined = isInContext ? excludeRules(lines) : undefined
  const inContext = (path: string): string => posix.join(below, path)
  return {
    isRelevant: path =>
      !own.isIgnored(path) &&
      fromContext?.isIgnored(inContext(path)) !== true &&
      (wanted === undefined || wanted.isIgnored(path)),
    mayHoldRelevant: directory =>
      (!own.isIgnored(directory) || own.mayKeepBelow(directory)) &&
      (fromContext?.isIgnored(inContext(directory)) !== true || fromContext.mayKeepBelow(inContext(directory))),
  }
}
