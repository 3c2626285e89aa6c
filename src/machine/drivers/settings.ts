import { invalidInput } from '../../core/errors.ts'
import { invariant } from '../../core/invariant.ts'
import type { Setting, Settings } from '../model/machine.ts'
import type { DriverFlag } from './driver.ts'

/** What a person wrote of flags: by their names, as they were written. */
export interface WrittenFlags {
  readonly text: (flag: string) => string | undefined
  readonly list: (flag: string) => readonly string[]
  readonly isSet: (flag: string) => boolean
  readonly env: (name: string) => string | undefined
}

/** A driver's settings, from its flags, the environment and what is preset. Throws BAD_FLAG. */
export function readSettings(flags: readonly DriverFlag[], written: WrittenFlags): Settings {
  const settings: Record<string, Setting> = {}
  for (const flag of flags) {
    const value = settingOf(flag, written)
    if (value !== undefined) settings[flag.name] = value
    else if (flag.required === true) {
      const variable = flag.env === undefined ? '' : `, or $${flag.env}`
      throw invalidInput('BAD_FLAG', `--${flag.name}${variable} is required: ${flag.summary}`)
    }
  }
  return settings
}

function settingOf(flag: DriverFlag, written: WrittenFlags): Setting | undefined {
  const fromEnv = flag.env === undefined ? undefined : written.env(flag.env) || undefined
  if (flag.type === 'switch') return written.isSet(flag.name) || /^(1|t|true)$/i.test(fromEnv ?? '')
  if (flag.type === 'list') {
    const given = written.list(flag.name)
    return given.length > 0 ? given : (fromEnv?.split(',') ?? [])
  }
  const text = written.text(flag.name) ?? fromEnv ?? flag.preset?.toString()
  if (flag.type === 'text') return text
  return text === undefined || text === '' ? undefined : readNumber(flag.name, text)
}

function readNumber(flag: string, text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw invalidInput('BAD_FLAG', `invalid argument "${text}" for --${flag}: expected a whole number`)
}

export function textOf(settings: Settings, flag: string): string {
  const value = settings[flag]
  invariant(typeof value === 'string', `the setting ${flag} is a text`)
  return value
}

export function optionalTextOf(settings: Settings, flag: string): string | undefined {
  const value = settings[flag]
  return typeof value === 'string' ? value : undefined
}

export function numberOf(settings: Settings, flag: string): number {
  const value = settings[flag]
  invariant(typeof value === 'number', `the setting ${flag} is a number`)
  return value
}

/** Empty where there is none. */
export function listOf(settings: Settings, flag: string): readonly string[] {
  const value = settings[flag]
  return Array.isArray(value) ? value : []
}

const PORT_MAX = 65_535

/** Throws BAD_FLAG for what is no port. */
export function checkPort(settings: Settings, flag: string): void {
  const port = numberOf(settings, flag)
  if (port < 1 || port > PORT_MAX) throw badFlag(flag, String(port), `expected a port from 1 to ${PORT_MAX}`)
}

export function badFlag(flag: string, text: string, expected: string): Error {
  return invalidInput('BAD_FLAG', `invalid argument "${text}" for --${flag}: ${expected}`)
}
