import { readFile } from 'node:fs/promises'
import { badFlag } from '../../cli/index.ts'
import { errorCode, errorMessage } from '../../core/errors.ts'
import { type DaemonFlag, optionName } from './daemon-flag.ts'

/** Values of flags as the argument parser gives them, by the option's name. */
export type FlagValues = Readonly<Record<string, unknown>>

/**
 * Reads a configuration file in dockerd's format: what it sets, as if it were flags. One that nobody asked for may be missing.
 * Throws BAD_FLAG for what cannot be read, for keys that no flag has, and for values of another type.
 */
export async function readConfigFile(
  path: string,
  { isAsked, flags }: { readonly isAsked: boolean; readonly flags: readonly DaemonFlag[] },
): Promise<FlagValues> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT' && !isAsked) return '{}'
    throw unusable(
      path,
      errorCode(error) === 'ENOENT' ? `open ${path}: no such file or directory` : errorMessage(error),
    )
  })
  return parseConfig(text, flags, why => unusable(path, why))
}

/** What is said of a file that cannot be used: dockerd's words. */
export function unusable(path: string, why: string): Error {
  return badFlag(`unable to configure the engine with file ${path}: ${why}`)
}

/** Reads the text of a configuration file. `refuse` makes the error of a reason. */
export function parseConfig(
  text: string,
  flags: readonly DaemonFlag[],
  refuse: (why: string) => Error = badFlag,
): FlagValues {
  const config = parseObject(text, refuse)
  const byKey = new Map(flags.map(flag => [flag.key ?? flag.name, flag]))
  const unknown = Object.keys(config).filter(key => !byKey.has(key) || key === 'config-file')
  if (unknown.length > 0) {
    throw refuse(`the following directives don't match any configuration option: ${unknown.join(', ')}`)
  }
  const entries = Object.entries(config).flatMap(([key, value]): (readonly [string, unknown])[] => {
    const flag = byKey.get(key)
    if (flag === undefined || value === null) return []
    const read = readValue(flag, value)
    if (read !== undefined) return [[optionName(flag.name), read]]
    throw refuse(`${key}: expected ${EXPECTED[flag.kind]}, not ${JSON.stringify(value).slice(0, 60)}`)
  })
  return Object.fromEntries(entries)
}

function parseObject(text: string, refuse: (why: string) => Error): Readonly<Record<string, unknown>> {
  if (text.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw refuse(`it is no JSON: ${errorMessage(error)}`)
  }
  if (isObject(value)) return value
  throw refuse('it holds no JSON object')
}

const EXPECTED: Readonly<Record<DaemonFlag['kind'], string>> = {
  text: 'a string',
  number: 'a number',
  switch: 'true or false',
  list: 'an array of strings',
  pairs: 'an object of strings',
  ulimits: 'an object of {"Name", "Soft", "Hard"}',
  pools: 'an array of {"base", "size"}',
}

/** The value as the command line would have it; undefined if it is of another type. */
function readValue({ kind, only, refused }: DaemonFlag, value: unknown): unknown {
  // What is refused whatever it says need not be read.
  if (refused !== undefined && only === undefined) return typeof value === 'boolean' ? value : ['']
  return READERS[kind](value)
}

const READERS: Readonly<Record<DaemonFlag['kind'], (value: unknown) => unknown>> = {
  text: value => (typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined),
  number: value => (typeof value === 'number' ? String(value) : undefined),
  switch: value => (typeof value === 'boolean' ? value : undefined),
  list: value => (isTexts(value) ? value : undefined),
  pairs: value =>
    isObject(value) && isTexts(Object.values(value)) ? Object.entries(value).map(pair => pair.join('=')) : undefined,
  ulimits: value =>
    isObject(value) ? allOf(Object.entries(value).map(([name, limit]) => readUlimit(name, limit))) : undefined,
  pools: value => (Array.isArray(value) ? allOf(value.map(readPool)) : undefined),
}

function readUlimit(name: string, limit: unknown): string | undefined {
  if (!isObject(limit)) return undefined
  const { Soft, Hard = Soft } = limit
  return typeof Soft === 'number' && typeof Hard === 'number' ? `${name}=${Soft}:${Hard}` : undefined
}

function readPool(pool: unknown): string | undefined {
  if (!isObject(pool)) return undefined
  const { base, size } = pool
  return typeof base === 'string' && typeof size === 'number' ? `base=${base},size=${size}` : undefined
}

function allOf(values: readonly (string | undefined)[]): readonly string[] | undefined {
  const there = values.filter(value => value !== undefined)
  return there.length === values.length ? there : undefined
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(each => typeof each === 'string')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
