import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { CommandContext, Options } from '../../command.ts'
import { whyNot } from '../../output/file-error.ts'
import { badArgument, readArgument } from '../../usage.ts'
import { labelsOf } from '../container/create/read-lines.ts'
import { bad, extraHost, pairs, size, splitPair, ulimit, wholeNumber } from '../container/create/read-values.ts'

type World = Pick<CommandContext, 'env' | 'cwd'>

/** What the flags of `build` say, as the API takes it. Throws BAD_ARGUMENT. */
export function buildSearch(options: Options, { env }: World): URLSearchParams {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(buildQuery(options, env))) {
    if (value !== undefined) search.set(name, String(value))
  }
  for (const tag of options.list('tag')) search.append('t', tag)
  for (const option of options.list('securityOpt')) search.append('securityopt', option)
  for (const host of options.list('addHost')) {
    search.append('extrahosts', readArgument('--add-host', host, extraHost))
  }
  return search
}

function buildQuery(options: Options, env: World['env']) {
  const list = (name: string): string | undefined =>
    options.list(name).length === 0 ? undefined : JSON.stringify(options.list(name))
  const on = (name: string): 1 | undefined => (options.flag(name) ? 1 : undefined)
  const read = <T>(flag: string, name: string, reader: (text: string) => T): T | undefined => {
    const given = options.text(name)
    return given === undefined ? undefined : readArgument(flag, given, reader)
  }
  const ulimits = options.list('ulimit').map(text => readArgument('--ulimit', text, ulimit))
  return {
    target: options.text('target'),
    platform: options.text('platform'),
    networkmode: options.text('network'),
    buildargs: buildArguments(options, env),
    labels: options.list('label').length === 0 ? undefined : JSON.stringify(labelsOf(options)),
    cachefrom: list('cacheFrom'),
    nocache: options.choice('cache') === false ? 1 : undefined,
    pull: on('pull'),
    q: on('quiet'),
    rm: options.text('rm') === 'false' ? 0 : 1,
    forcerm: on('forceRm'),
    squash: on('squash'),
    isolation: options.text('isolation'),
    cgroupparent: options.text('cgroupParent'),
    memory: read('-m, --memory', 'memory', size),
    memswap: read('--memory-swap', 'memorySwap', text => (text === '-1' ? -1 : size(text))),
    shmsize: read('--shm-size', 'shmSize', size),
    cpushares: read('-c, --cpu-shares', 'cpuShares', wholeNumber),
    cpuperiod: read('--cpu-period', 'cpuPeriod', wholeNumber),
    cpuquota: read('--cpu-quota', 'cpuQuota', wholeNumber),
    cpusetcpus: options.text('cpusetCpus'),
    cpusetmems: options.text('cpusetMems'),
    ulimits: ulimits.length === 0 ? undefined : JSON.stringify(ulimits),
  }
}

/** `--build-arg A` passes on ours, if there is one. */
function buildArguments(options: Options, env: World['env']): string | undefined {
  const given = options.list('buildArg')
  if (given.length === 0) return undefined
  const values = given.flatMap(line =>
    line.includes('=') ? [line] : env[line] === undefined ? [] : [`${line}=${env[line]}`],
  )
  return JSON.stringify(pairs(values))
}

/**
 * Values for `RUN --mount=type=secret`, by id, in base64: `id=token,src=path`, or `id=token,env=NAME`. Without either, the
 * variable of that name, or else the file. Throws BAD_ARGUMENT.
 */
export function readSecrets(given: readonly string[], world: World): Readonly<Record<string, string>> {
  return Object.fromEntries(given.map(text => readArgument('--secret', text, value => readSecret(value, world))))
}

function readSecret(text: string, { env, cwd }: World): readonly [id: string, value: string] {
  const { id, type, source, variable } = secretFields(text)
  const isOfUs = source === undefined && type !== 'file' && env[id] !== undefined
  const name = variable ?? (isOfUs ? id : undefined)
  if (name === undefined) return [id, readSecretFile(resolve(cwd, source ?? id))]
  const value = env[name]
  if (value === undefined) throw bad(`the variable ${name} is not set`)
  return [id, Buffer.from(value).toString('base64')]
}

const SECRET_KEYS: ReadonlySet<string> = new Set(['id', 'type', 'src', 'source', 'env'])

function secretFields(text: string) {
  const fields = new Map(text.split(',').map(splitPair))
  const unknown = [...fields.keys()].find(key => !SECRET_KEYS.has(key))
  if (unknown !== undefined) throw bad(`unexpected key '${unknown}' in '${text}'`)
  const type = fields.get('type') ?? ''
  if (!['', 'file', 'env'].includes(type)) throw bad(`unsupported secret type "${type}"`)
  const source = fields.get('src') ?? fields.get('source')
  const variable = fields.get('env') ?? (type === 'env' ? source : undefined)
  const id = fields.get('id') ?? source ?? variable ?? ''
  if (id === '') throw bad('id is required')
  return { id, type, source, variable }
}

function readSecretFile(path: string): string {
  try {
    return readFileSync(path).toString('base64')
  } catch (error) {
    throw bad(`stat ${path}: ${whyNot(error)}`)
  }
}

/** Whether `--progress` asks for no progress at all; the others look alike here. Throws BAD_ARGUMENT. */
export function isQuiet(options: Options): boolean {
  const progress = options.text('progress') ?? 'auto'
  if (!['auto', 'plain', 'tty', 'quiet'].includes(progress)) {
    throw badArgument('--progress', progress, 'must be one of "auto", "plain", "tty", "quiet"')
  }
  return options.flag('quiet') || progress === 'quiet'
}
