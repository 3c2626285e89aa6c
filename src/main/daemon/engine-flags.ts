import { join } from 'node:path'
import { badFlag, type Options } from '../../cli/index.ts'
import type { EngineOptions } from '../../runtime/index.ts'
import { readTlsFlags, type TlsFiles } from '../tls-flags.ts'
import { VERSION } from '../version.ts'
import { containerSettings, readSeccompProfile } from './container-settings.ts'
import { DATA_ROOT, EXEC_ROOT } from './daemon-flags.ts'
import { daemonOptions } from './daemon-options.ts'
import { networkSettings } from './network-settings.ts'
import { checkPrograms } from './programs.ts'
import { absolutePath, optional, readOne, wholeNumber } from './read-flag.ts'

const SCORE_MAX = 1_000

export interface EngineSettings {
  readonly engine: EngineOptions
  readonly hosts: readonly string[]
  readonly logLevel: string
  readonly pidFile?: string
  readonly tls?: TlsFiles
  /** Who may use the unix sockets, besides root. */
  readonly group?: string
  readonly oomScoreAdjust?: number
}

export interface EngineDefaults {
  readonly hostname: string
  /** Name of the API's socket in the exec root, if no host is given. */
  readonly socket: string
}

/** An engine's flags, with what the files they name say. Throws BAD_FLAG and UNSUPPORTED_FLAG. */
export async function engineSettings(
  flags: Options,
  defaults: EngineDefaults,
): Promise<{ readonly options: Options; readonly settings: EngineSettings }> {
  const options = await daemonOptions(flags)
  const settings = readEngineFlags(options, defaults)
  checkPrograms(options)
  const seccomp = await readSeccompProfile(options)
  if (seccomp === undefined) return { options, settings }
  const containerDefaults = { ...settings.engine.containerDefaults, seccomp }
  return { options, settings: { ...settings, engine: { ...settings.engine, containerDefaults } } }
}

/** Reads ENGINE_FLAGS. Throws BAD_FLAG. */
export function readEngineFlags(options: Options, { hostname, socket }: EngineDefaults): EngineSettings {
  const execRoot = absolutePath(options, 'execRoot') ?? EXEC_ROOT
  const hosts = options.list('host')
  const isDebug = options.flag('debug')
  // Nothing depends on it; it must make sense all the same.
  wholeNumber(options, { option: 'shutdownTimeout', flag: 'shutdown-timeout', min: -1 })
  const score = wholeNumber(options, {
    option: 'oomScoreAdjust',
    flag: 'oom-score-adjust',
    min: -SCORE_MAX,
    max: SCORE_MAX,
  })
  return {
    engine: {
      name: options.text('name') ?? hostname,
      dataRoot: absolutePath(options, 'dataRoot') ?? DATA_ROOT,
      execRoot,
      ...networkSettings(options),
      ...optional('cgroupParent', options.text('cgroupParent')),
      ...registrySettings(options),
      ...optional('registryCertificates', absolutePath(options, 'registryCerts')),
      ...optional('downloadsAtOnce', atOnce(options, 'maxConcurrentDownloads', 'max-concurrent-downloads')),
      ...optional('uploadsAtOnce', atOnce(options, 'maxConcurrentUploads', 'max-concurrent-uploads')),
      ...optional('runtime', options.text('defaultRuntime')),
      ...optional('initPath', absolutePath(options, 'initPath')),
      ...optional('containerDefaults', containerSettings(options)),
      ...(isDebug ? { debug: true } : {}),
      version: VERSION,
    },
    hosts: hosts.length > 0 ? hosts : [`unix://${join(execRoot, socket)}`],
    logLevel: isDebug ? 'debug' : (options.text('logLevel') ?? 'info'),
    ...optional('pidFile', absolutePath(options, 'pidfile')),
    ...optional('tls', readTlsFlags(options)),
    ...optional('group', options.text('group')),
    ...optional('oomScoreAdjust', score),
  }
}

/** What may change while an engine serves. */
export function registrySettings(
  options: Options,
): Pick<EngineOptions, 'labels' | 'insecureRegistries' | 'registryMirrors'> {
  return {
    insecureRegistries: options.list('insecureRegistry'),
    registryMirrors: options.list('registryMirror').map(mirror),
    labels: checkLabels(options.list('label')),
  }
}

/** Zero is the default, as with dockerd. */
function atOnce(options: Options, option: string, flag: string): number | undefined {
  return wholeNumber(options, { option, flag, min: 0 }) || undefined
}

function mirror(text: string): string {
  const expected = 'a URL with https:// or http://, and with no user, query or fragment, such as https://mirror.example'
  return readOne(text, { flag: 'registry-mirror', expected }, written => {
    const url = URL.parse(written)
    const isPlain = url !== null && /^https?:\/\//.test(written) && url.username === '' && url.password === ''
    return isPlain && !/[?#]/.test(written) ? written : undefined
  })
}

function checkLabels(labels: readonly string[]): readonly string[] {
  const values = new Map<string, string>()
  for (const label of labels) {
    const [, key = '', value = ''] = /^([^=\s]+)=(.*)$/s.exec(label) ?? []
    if (key === '') throw badFlag(`Cannot use --label "${label}": expected key=value`)
    const other = values.get(key)
    if (other !== undefined && other !== value) {
      throw badFlag(`conflict labels for ${key}=${value} and ${key}=${other}`)
    }
    values.set(key, value)
  }
  return labels
}
