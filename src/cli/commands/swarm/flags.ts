import { parseDuration } from '../../../core/duration.ts'
import { invalidInput } from '../../../core/errors.ts'
import type { CommandContext, Invocation } from '../../command.ts'

/** Checks of the flags that `swarm` shares with classic Swarm, with its messages. */

export function badFlag(message: string): Error {
  return invalidInput('BAD_FLAG', message)
}

/** The discovery URL: the one argument, else `$SWARM_DISCOVERY`. */
export function readDiscovery(
  { args, command }: Invocation,
  { env }: Pick<CommandContext, 'env'>,
  purpose: string,
): string {
  const url = args.length === 1 ? args[0] : args.length === 0 ? env['SWARM_DISCOVERY'] : undefined
  if (url === undefined || url === '') throw badFlag(`discovery required to ${purpose}. See '${command} --help'.`)
  return url
}

/** `--discovery-opt key=value`, repeatable. */
export function readDiscoveryOptions({ options }: Invocation): Readonly<Record<string, string>> {
  const pairs = options.list('discoveryOpt').map((text): [string, string] => {
    const equals = text.indexOf('=')
    if (equals < 1) throw badFlag('--discovery-opt must contain key=value strings')
    return [text.slice(0, equals), text.slice(equals + 1)]
  })
  return Object.fromEntries(pairs)
}

/** A duration in milliseconds, which may be negative; `flag` as it is written: `replication-ttl`. Throws BAD_FLAG. */
export function readDuration({ options }: Pick<Invocation, 'options'>, flag: string, fallbackMs: number): number {
  const text = options.text(flag.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase()))
  if (text === undefined) return fallbackMs
  try {
    const negative = text.startsWith('-')
    return parseDuration(negative ? text.slice(1) : text) * (negative ? -1 : 1)
  } catch (cause) {
    throw invalidInput('BAD_FLAG', `invalid --${flag}: ${text} is not a duration such as 10s or 1m30s`, { cause })
  }
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'panic']

/** `--log-level` of the command or before it, else debug with `--debug` or `$DEBUG`, else info. Throws BAD_FLAG. */
export function readLogLevel(
  { options, globals }: Pick<Invocation, 'options' | 'globals'>,
  { env }: Pick<CommandContext, 'env'>,
): string {
  const level = options.text('logLevel') ?? globals.text('logLevel')
  if (level === undefined) return globals.flag('debug') || /^(1|t|true)$/i.test(env['DEBUG'] ?? '') ? 'debug' : 'info'
  if (!LOG_LEVELS.includes(level)) {
    throw badFlag(`Cannot use --log-level "${level}": expected one of ${LOG_LEVELS.join(', ')}`)
  }
  // Classic Swarm's last level; nothing is logged there that is not fatal.
  return level === 'panic' ? 'fatal' : level
}

export interface HostPort {
  /** Without brackets. */
  readonly host: string
  readonly port: number
}

/** `host:port`, IPv6 addresses in brackets. */
export function readAdvertise(text: string | undefined): HostPort {
  if (text === undefined || text === '') throw badFlag('missing mandatory --advertise flag')
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || port < 1 || port > 65_535) {
    throw badFlag('--advertise should be of the form ip:port or hostname:port')
  }
  return { host, port }
}
