import type { Options } from '../../../command.ts'
import { readArgument } from '../../../usage.ts'
import { FIELD_LINES, isRepeated, type Reader } from './field-flags.ts'
import { mount } from './read-mount.ts'
import * as read from './read-values.ts'

interface Reading {
  readonly each: (text: string) => unknown
  /** Of a repeatable flag: what its values are together, if not a list. */
  readonly join?: (values: readonly string[]) => unknown
  /** Docker reads it after the other flags, and does not name it when it is wrong. */
  readonly unnamed?: boolean
}

const asIs = (text: string): string => text

/** A mode that is one of some words. */
const mode = (flag: string, kind: string, known: RegExp): Reading => ({
  unnamed: true,
  each(text) {
    if (!known.test(text)) throw read.bad(`--${flag}: invalid ${kind} mode`)
    return text
  },
})

/** How the text of a flag becomes the value of a field. */
const READINGS = {
  text: { each: asIs },
  on: { each: asIs },
  integer: { each: read.wholeNumber },
  bytes: { each: read.size },
  /** `-1` is no limit. */
  limit: { each: text => (text === '-1' ? -1 : read.size(text)) },
  swappiness: { each: read.swappiness, unnamed: true },
  cpus: { each: read.cpus },
  restart: { each: read.restartPolicy, unnamed: true },
  pid: mode('pid', 'PID', /^(|host|container:.+)$/),
  uts: mode('uts', 'UTS', /^(|host)$/),
  userns: mode('userns', 'USER', /^(|host)$/),
  cgroupns: mode('cgroupns', 'CGROUP', /^(|host|private)$/),
  list: { each: asIs },
  pairs: { each: asIs, join: read.pairs },
  sysctls: { each: read.sysctl, join: read.pairs },
  storage: { each: read.storageOption, join: read.pairs, unnamed: true },
  ulimits: { each: read.ulimit },
  devices: { each: read.device, unnamed: true },
  rules: { each: read.deviceRule },
  rates: { each: read.deviceRate },
  counts: { each: read.deviceCount },
  weights: { each: read.deviceWeight },
  tmpfs: { each: asIs, join: read.tmpfs },
  mounts: { each: mount },
  hosts: { each: read.extraHost },
  servers: { each: read.nameServer },
  domains: { each: read.searchDomain },
  links: { each: read.link },
  security: { each: read.securityOption, unnamed: true },
} as const satisfies Readonly<Record<Reader, Reading>>

/**
 * The fields that flags set, as a tree; files that they name are looked for below `cwd`. Throws BAD_ARGUMENT, and BAD_FLAG
 * where docker does not name the flag.
 */
export function readFieldFlags(options: Options, cwd: string): Record<string, unknown> {
  const request: Record<string, unknown> = {}
  for (const [flags, field, reader] of FIELD_LINES) {
    const value = valueOf(options, { flags, reader, cwd })
    if (value !== undefined) setField(request, field.split('.'), value)
  }
  return request
}

interface Flag {
  readonly flags: string
  readonly reader: Reader
  readonly cwd: string
}

function valueOf(options: Options, { flags, reader, cwd }: Flag): unknown {
  const name = nameOf(flags)
  if (reader === 'on') return options.flag(name) || undefined
  const { each, join, unnamed = false }: Reading = READINGS[reader]
  const readOne = (text: string): unknown => {
    const one = (value: string): unknown => (reader === 'mounts' ? mount(value, cwd) : each(value))
    return unnamed ? one(text) : readArgument(flags, text, one)
  }
  if (!isRepeated(reader)) {
    const text = options.text(name)
    return text === undefined ? undefined : readOne(text)
  }
  const values = options.list(name)
  if (values.length === 0) return undefined
  const all = values.map(readOne)
  return join === undefined ? all : join(all as string[])
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
