import type { Options } from '../../cli/index.ts'
import { unsupported } from '../../core/errors.ts'
import { type FlagValues, readConfigFile, unusable } from './config-file.ts'
import { type DaemonFlag, optionName } from './daemon-flag.ts'
import { CONFIG_FILE, DAEMON_FLAGS } from './daemon-flags.ts'

/**
 * An engine's flags together with its configuration file. Throws BAD_FLAG for a setting that both have, as dockerd does, and
 * UNSUPPORTED_FLAG for one that is not done here.
 */
export async function daemonOptions(flags: Options, defaultFile = CONFIG_FILE): Promise<Options> {
  const options = underOwnNames(flags)
  const asked = options.text('configFile')
  const path = asked ?? defaultFile
  const file = await readConfigFile(path, { isAsked: asked !== undefined, flags: DAEMON_FLAGS })
  refuseBoth(options, file, path)
  const merged = mergeOptions(options, file)
  for (const flag of DAEMON_FLAGS) refuseUnsupported(flag, merged)
  return merged
}

/** The parser takes `--no-new-privileges` for the negative of `--new-privileges`, and gives it that name. */
function underOwnNames(options: Options): Options {
  const other = (name: string): string | undefined => (/^no[A-Z]/.test(name) ? lowerFirst(name.slice(2)) : undefined)
  return {
    ...options,
    choice: name => {
      const negated = other(name)
      return options.choice(name) ?? (negated !== undefined && options.choice(negated) === false ? true : undefined)
    },
    list: name => {
      const [written, negated] = [options.list(name), other(name)]
      return written.length > 0 || negated === undefined ? written : options.list(negated)
    },
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

/** Whatever was written of a flag, on the command line or in the file. */
function writtenOf({ name }: Pick<DaemonFlag, 'name'>, options: Options): readonly string[] {
  const option = optionName(name)
  const choice = options.choice(option)
  return choice === undefined ? options.list(option) : [String(choice)]
}

function refuseBoth(options: Options, file: FlagValues, path: string): void {
  const conflicts = DAEMON_FLAGS.flatMap(flag => {
    const fromFile = file[optionName(flag.name)]
    const fromFlag = writtenOf(flag, options)
    if (fromFile === undefined || fromFlag.length === 0) return []
    return [
      `${flag.key ?? flag.name}: (from flag: ${shown(fromFlag, flag)}, from file: ${shown([fromFile].flat(), flag)})`,
    ]
  })
  if (conflicts.length === 0) return
  const what = 'the following directives are specified both as a flag and in the configuration file'
  throw unusable(path, `${what}: ${conflicts.join(', ')}`)
}

/** Lists in brackets, as dockerd writes them. */
function shown(values: readonly unknown[], { kind }: DaemonFlag): string {
  const text = values.map(String).join(' ')
  return ['text', 'number', 'switch'].includes(kind) ? text : `[${text}]`
}

function refuseUnsupported(flag: DaemonFlag, options: Options): void {
  const { name, only, refused } = flag
  if (refused === undefined) return
  const written = writtenOf(flag, options)
  const other = written.find(value => !(only ?? []).includes(value))
  if (other === undefined) return
  const shownValue = only === undefined ? '' : `=${other}`
  throw unsupported('UNSUPPORTED_FLAG', `"--${name}${shownValue}" ${refused}`)
}

function mergeOptions(options: Options, file: FlagValues): Options {
  const text = (name: string): string | undefined => {
    const value = file[name]
    return options.text(name) ?? (typeof value === 'string' ? value : undefined)
  }
  const choice = (name: string): boolean | undefined => {
    const value = file[name]
    return options.choice(name) ?? (typeof value === 'boolean' ? value : undefined)
  }
  return {
    text,
    choice,
    flag: name => choice(name) === true,
    list: name => {
      const written = options.list(name)
      const value = file[name]
      if (written.length > 0 || value === undefined || typeof value === 'boolean') return written
      return [value].flat().map(String)
    },
    number: name => {
      const written = options.number(name)
      const value = text(name)
      return written ?? (value === undefined ? undefined : Number(value))
    },
  }
}
