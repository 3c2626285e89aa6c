import { parseDuration } from '../../../core/duration.ts'
import { lineError } from './errors.ts'
import { type Flags, flagText } from './flags.ts'
import { jsonForm } from './words.ts'

/** A HEALTHCHECK as written; the shell of a command in shell form is the stage's. */
export interface Healthcheck {
  readonly command: { readonly json: readonly string[] } | { readonly shell: string } | 'none'
  /** Nanoseconds; 0: not said. */
  readonly interval: number
  readonly timeout: number
  readonly startPeriod: number
  readonly startInterval: number
  readonly retries: number
}

export const HEALTH_FLAGS = ['interval', 'timeout', 'start-period', 'start-interval', 'retries']

const NANOSECONDS = 1e6

/** Throws DOCKERFILE. */
export function readHealthcheck(rest: string, flags: Flags, line: number): Healthcheck {
  const [, kind = '', command = ''] = /^(\S+)\s*(.*)$/s.exec(rest) ?? []
  if (kind === '') throw lineError(line, 'HEALTHCHECK requires at least one argument')
  const none = { interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 }
  switch (kind.toUpperCase()) {
    case 'NONE':
      if (command !== '') throw lineError(line, 'HEALTHCHECK NONE takes no arguments')
      return { command: 'none', ...none }
    case 'CMD':
      break
    default:
      throw lineError(line, `Unknown type ${JSON.stringify(kind.toUpperCase())} in HEALTHCHECK (try CMD)`)
  }
  if (command === '') throw lineError(line, 'Missing command after HEALTHCHECK CMD')
  const json = jsonForm(command)
  const duration = (name: string): number => readDuration(name, flags, line)
  return {
    command: json === undefined ? { shell: command } : { json },
    interval: duration('interval'),
    timeout: duration('timeout'),
    startPeriod: duration('start-period'),
    startInterval: duration('start-interval'),
    retries: readRetries(flagText(flags, 'retries'), line),
  }
}

function readDuration(name: string, flags: Flags, line: number): number {
  const text = flagText(flags, name)
  if (text === undefined) return 0
  let ms: number
  try {
    ms = parseDuration(text)
  } catch {
    throw lineError(line, `time: invalid duration ${JSON.stringify(text)}`)
  }
  if (ms === 0) return 0
  if (ms < 1) throw lineError(line, `Interval ${JSON.stringify(name)} cannot be less than 1ms`)
  return Math.round(ms * NANOSECONDS)
}

function readRetries(text: string | undefined, line: number): number {
  if (text === undefined) return 0
  if (!/^[+-]?\d+$/.test(text))
    throw lineError(line, `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  const retries = Number(text)
  if (retries < 1) throw lineError(line, `--retries must be at least 1 (not ${retries})`)
  return retries
}
