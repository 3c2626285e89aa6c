import { invalidInput } from '../../../../core/errors.ts'
import { parseBytes, parseCpus } from '../../../../core/units.ts'
import type { Options } from '../../../command.ts'
import { FIELD_LINES, type Reader } from './field-flags.ts'
import * as read from './read-values.ts'

/** How the text of a flag becomes the value of a field. */
const READERS = {
  text: (options: Options, name: string) => options.text(name),
  /** A switch that was given. */
  on: (options: Options, name: string) => options.flag(name) || undefined,
  integer: (options: Options, name: string) => wholeNumber(options, name),
  bytes: (options: Options, name: string) => mapText(options, name, parseBytes),
  /** `-1` is no limit. */
  limit: (options: Options, name: string) => mapText(options, name, text => (text === '-1' ? -1 : parseBytes(text))),
  cpus: (options: Options, name: string) => mapText(options, name, parseCpus),
  list: (options: Options, name: string) => nonEmpty(options.list(name)),
  pairs: (options: Options, name: string) => mapList(options, name, read.pairs),
  ulimits: (options: Options, name: string) => mapList(options, name, list => list.map(read.ulimit)),
  devices: (options: Options, name: string) => mapList(options, name, list => list.map(read.device)),
  rates: (options: Options, name: string) => mapList(options, name, list => list.map(read.deviceRate)),
  weights: (options: Options, name: string) => mapList(options, name, list => list.map(read.deviceWeight)),
  tmpfs: (options: Options, name: string) => mapList(options, name, read.tmpfs),
  mounts: (options: Options, name: string) => mapList(options, name, list => list.map(read.mount)),
  restart: (options: Options, name: string) => mapText(options, name, read.restartPolicy),
} as const satisfies Readonly<Record<Reader, (options: Options, name: string) => unknown>>

/** The fields that flags set, as a tree. Throws BAD_FLAG and the readers' own errors. */
export function readFieldFlags(options: Options): Record<string, unknown> {
  const request: Record<string, unknown> = {}
  for (const [flags, field, reader] of FIELD_LINES) {
    const value = READERS[reader](options, nameOf(flags))
    if (value !== undefined) setField(request, field.split('.'), value)
  }
  return request
}

/** `-m, --memory-swap <bytes>` is read as `memorySwap`. */
function nameOf(flags: string): string {
  const long = /--([\w-]+)/.exec(flags)?.[1] ?? ''
  return long.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase())
}

function setField(tree: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    tree[name] = value
    return
  }
  const inner = (tree[name] ?? {}) as Record<string, unknown>
  tree[name] = inner
  setField(inner, rest, value)
}

function nonEmpty(list: readonly string[]): readonly string[] | undefined {
  return list.length === 0 ? undefined : list
}

function mapText<T>(options: Options, name: string, read: (text: string) => T): T | undefined {
  const text = options.text(name)
  return text === undefined ? undefined : read(text)
}

function mapList<T>(options: Options, name: string, read: (list: readonly string[]) => T): T | undefined {
  const list = options.list(name)
  return list.length === 0 ? undefined : read(list)
}

function wholeNumber(options: Options, name: string): number | undefined {
  return mapText(options, name, text => {
    if (/^[+-]?\d+$/.test(text)) return Number(text)
    throw invalidInput('BAD_FLAG', `invalid argument "${text}" for "--${name}" flag: expected a whole number`)
  })
}
