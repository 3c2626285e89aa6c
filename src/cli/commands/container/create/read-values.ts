import { isIP } from 'node:net'
import { invalidInput } from '../../../../core/errors.ts'
import { parseBytes } from '../../../../core/units.ts'
import type { RestartPolicy } from '../../../../docker-api/index.ts'

/** Readers of single flag values; each throws BAD_FLAG with what docker says. */

export const bad = (message: string): Error => invalidInput('BAD_FLAG', message)

/** `a=1` lines as a map; without `=` the value is empty. */
export function pairs(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(list.map(text => splitPair(text)))
}

export function splitPair(text: string): [string, string] {
  const equals = text.indexOf('=')
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)]
}

/** `512m`. */
export function size(text: string): number {
  try {
    return parseBytes(text)
  } catch {
    const [, suffix = ''] = /^\d+(?:\.\d+)?\s*([a-z]+)$/i.exec(text) ?? []
    throw bad(suffix === '' ? `invalid size: '${text}'` : `invalid suffix: '${suffix}'`)
  }
}

/** `-1`, `12`. */
export function wholeNumber(text: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text)
  throw bad(`strconv.ParseInt: parsing "${text}": invalid syntax`)
}

/** `0.5` in billionths. */
export function cpus(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value)) throw bad(`failed to parse ${text} as a rational number`)
  return Math.round(value * 1e9)
}

/** `key=value`, of which the key must be there. */
export function label(text: string): string {
  if (text === '' || text.startsWith('=')) throw bad(`invalid label '${text}': empty name`)
  return text
}

/** `NAME=value` or `NAME`. */
export function variable(text: string): string {
  if (text === '' || text.startsWith('=')) throw bad(`invalid environment variable: ${text}`)
  return text
}

const LIMITS = 'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'
const LIMIT_NAMES: ReadonlySet<string> = new Set(LIMITS.split(' '))

/** `nofile=1024:2048`. */
export function ulimit(text: string): { Name: string; Soft: number; Hard: number } {
  const [Name, values] = splitPair(text)
  if (!text.includes('=') || values === '') throw bad(`invalid ulimit argument: ${text}`)
  if (!LIMIT_NAMES.has(Name)) throw bad(`invalid ulimit type: ${Name}`)
  const parts = values.split(':')
  if (parts.length > 2) {
    throw bad(`too many limit value arguments - ${values}, can only have up to two, \`soft[:hard]\``)
  }
  const [Soft = 0, Hard = Soft] = parts.map(wholeNumber)
  if (Hard !== -1 && (Soft > Hard || Soft === -1)) {
    throw bad(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`)
  }
  return { Name, Soft, Hard }
}

const isMode = (text: string): boolean => /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length

/** `/dev/a[:/dev/b[:rwm]]`; the middle may be left out. */
export function device(text: string): { PathOnHost: string; PathInContainer: string; CgroupPermissions: string } {
  const [PathOnHost = '', second = '', third, ...more] = text.split(':')
  if (more.length > 0 || text === '') throw bad(`bad format for path: ${text}`)
  if (third !== undefined && !isMode(third)) throw bad(`bad mode specified: ${third}`)
  const secondIsMode = third === undefined && isMode(second)
  const PathInContainer = second === '' || secondIsMode ? PathOnHost : second
  for (const path of [PathOnHost, PathInContainer]) {
    if (!path.startsWith('/')) throw bad(`${path} is not an absolute path`)
  }
  return { PathOnHost, PathInContainer, CgroupPermissions: third ?? (secondIsMode ? second : 'rwm') }
}

/** `c 1:3 mr`. */
export function deviceRule(text: string): string {
  if (/^[acb] (?:\d+|\*):(?:\d+|\*) [rwm]{1,3}$/.test(text)) return text
  throw bad(`invalid device cgroup format '${text}'`)
}

/** `/dev/sda:1mb`. */
export function deviceRate(text: string): { Path: string; Rate: number } {
  const form =
    '<device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb'
  return rateOf(text, parseBytes, form)
}

/** `/dev/sda:1000`. */
export function deviceCount(text: string): { Path: string; Rate: number } {
  const number = (value: string): number => (/^\d+$/.test(value) ? Number(value) : refuse(value))
  return rateOf(text, number, '<device-path>:<number>. Number must be a positive integer')
}

function rateOf(text: string, read: (value: string) => number, form: string): { Path: string; Rate: number } {
  const [Path, value] = splitDevice(text)
  try {
    return { Path, Rate: read(value) }
  } catch {
    throw bad(`invalid rate for device: ${text}. The correct format is ${form}`)
  }
}

function refuse(text: string): never {
  throw bad(text)
}

export function deviceWeight(text: string): { Path: string; Weight: number } {
  const [Path, value] = splitDevice(text)
  const Weight = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (Weight !== 0 && !(Weight >= 10 && Weight <= 1_000)) throw bad(`invalid weight for device: ${text}`)
  return { Path, Weight }
}

function splitDevice(text: string): [string, string] {
  const [path = '', value = '', ...more] = text.split(':')
  if (path === '' || value === '' || more.length > 0) throw bad(`bad format: ${text}`)
  if (!path.startsWith('/dev/')) throw bad(`bad format for device path: ${text}`)
  return [path, value]
}

/** `/run[:options]` lines as a map. */
export function tmpfs(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.map(text => {
      const colon = text.indexOf(':')
      return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
    }),
  )
}

/** `on-failure:3`; nothing is no policy. Which policies there are the engine says. */
export function restartPolicy(text: string): RestartPolicy {
  const colon = text.indexOf(':')
  const [name, count] = colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)]
  if (count !== undefined && name === '') throw bad('invalid restart policy format: no policy provided before colon')
  if (count !== undefined && !/^[+-]?\d+$/.test(count)) {
    throw bad('invalid restart policy format: maximum retry count must be an integer')
  }
  return { Name: name as NonNullable<RestartPolicy['Name']>, MaximumRetryCount: Number(count ?? 0) }
}

/** `0` to `100`, or `-1` for the kernel's own. */
export function swappiness(text: string): number {
  const value = wholeNumber(text)
  if (value < -1 || value > 100) throw bad(`invalid value: ${value}. Valid memory swappiness range is 0-100`)
  return value
}

/** `name=value`, where there must be a value. */
export function storageOption(text: string): string {
  if (!text.includes('=')) throw bad('invalid storage option')
  return text
}

/** `label=disable`; which options there are the engine says. */
export function securityOption(text: string): string {
  if (text === 'no-new-privileges' || text === 'systempaths=unconfined') return text
  if (!/[:=]/.test(text)) throw bad(`Invalid --security-opt: "${text}"`)
  return text
}

const SYSCTLS = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|net\..+|fs\.mqueue\..+)$/

export function sysctl(text: string): string {
  const [name] = splitPair(text)
  if (!text.includes('=') || !SYSCTLS.test(name)) throw bad(`sysctl '${text}' is not allowed`)
  return text
}

export function nameServer(text: string): string {
  if (isIP(text) === 0) throw bad(`IP address is not correctly formatted: ${text}`)
  return text
}

/** `example.com`, or `.` for no search at all. */
export function searchDomain(text: string): string {
  const isDomain = /^(?=[^.]*[a-z])?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i.test(
    text,
  )
  if (text !== '.' && !isDomain) throw bad(`${text} is not a valid domain`)
  return text
}

/** `name:address` or `name=address`, as the engine takes it. */
export function extraHost(text: string): string {
  const at = text.includes('=') ? text.indexOf('=') : text.indexOf(':')
  const [name, value] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)]
  if (name === '') throw bad(`bad format for add-host: "${text}"`)
  const address = value.replace(/^\[(.+)\]$/, '$1')
  if (address !== 'host-gateway' && isIP(address) === 0) throw bad(`invalid IP address in add-host: "${value}"`)
  return `${name}:${address}`
}

/** `container[:alias]`. */
export function link(text: string): string {
  if (text === '') throw bad('empty string specified for links')
  if (text.split(':').length > 2) throw bad(`bad format for links: ${text}`)
  return text
}
