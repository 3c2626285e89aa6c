import { invalidInput } from '../../../../core/errors.ts'
import { parseBytes } from '../../../../core/units.ts'
import type { MountRequest, RestartPolicy } from '../../../../docker-api/index.ts'

/** Readers of single flag values; each throws BAD_FLAG with what docker says. */

const bad = (message: string): Error => invalidInput('BAD_FLAG', message)

/** `a=1` lines as a map; without `=` the value is empty. */
export function pairs(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(list.map(text => splitPair(text)))
}

export function splitPair(text: string): [string, string] {
  const equals = text.indexOf('=')
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)]
}

/** `nofile=1024:2048`. */
export function ulimit(text: string): { Name: string; Soft: number; Hard: number } {
  const [name, values] = splitPair(text)
  const [soft = '', hard = soft, ...more] = values.split(':')
  const [Soft, Hard] = [Number(soft), Number(hard)]
  const isBad = name === '' || values === '' || more.length > 0 || !Number.isInteger(Soft) || !Number.isInteger(Hard)
  if (isBad) throw bad(`invalid ulimit argument: ${text}`)
  return { Name: name, Soft, Hard }
}

/** `/dev/a[:/dev/b[:rwm]]`; the middle may be left out. */
export function device(text: string): { PathOnHost: string; PathInContainer: string; CgroupPermissions: string } {
  const [PathOnHost = '', second, third, ...more] = text.split(':')
  if (more.length > 0 || PathOnHost === '') throw bad(`invalid device specification: ${text}`)
  const isMode = second !== undefined && /^[rwm]{1,3}$/.test(second)
  if (third !== undefined && !/^[rwm]{1,3}$/.test(third)) throw bad(`invalid device specification: ${text}`)
  return {
    PathOnHost,
    PathInContainer: second === undefined || isMode ? PathOnHost : second,
    CgroupPermissions: third ?? (isMode ? second : 'rwm'),
  }
}

/** `/dev/sda:1mb`. */
export function deviceRate(text: string): { Path: string; Rate: number } {
  const [path, value] = splitDevice(text)
  return { Path: path, Rate: parseBytes(value) }
}

export function deviceWeight(text: string): { Path: string; Weight: number } {
  const [path, value] = splitDevice(text)
  const weight = Number(value)
  if (weight !== 0 && !(weight >= 10 && weight <= 1_000)) throw bad(`invalid weight for device: ${text}`)
  return { Path: path, Weight: weight }
}

function splitDevice(text: string): [string, string] {
  const [path = '', value = '', ...more] = text.split(':')
  if (!path.startsWith('/dev/') || value === '' || more.length > 0) throw bad(`bad format: ${text}`)
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

/** `on-failure:3`. */
export function restartPolicy(text: string): RestartPolicy {
  const [name = '', count, ...more] = text.split(':')
  const times = Number(count ?? 0)
  if (more.length > 0 || name === '' || !Number.isInteger(times)) throw bad(`invalid restart policy format: ${text}`)
  return { Name: name as NonNullable<RestartPolicy['Name']>, MaximumRetryCount: times }
}

interface MountDraft {
  Type: MountRequest['Type']
  Source?: string
  Target: string
  ReadOnly?: boolean
  Consistency?: string
  BindOptions?: Record<string, unknown>
  VolumeOptions?: Record<string, unknown> & {
    Labels?: Record<string, string>
    DriverConfig?: { Name?: string; Options?: Record<string, string> }
  }
  TmpfsOptions?: Record<string, unknown>
}

type Setter = (mount: MountDraft, value: string, key: string) => void

const truth = (value: string, key: string): boolean => {
  if (['', '1', 't', 'true', 'TRUE', 'True'].includes(value)) return true
  if (['0', 'f', 'false', 'FALSE', 'False'].includes(value)) return false
  throw bad(`invalid value for ${key}: ${value}`)
}

const volumeOptions = (mount: MountDraft) => (mount.VolumeOptions ??= {})
const driverConfig = (mount: MountDraft) => (volumeOptions(mount).DriverConfig ??= {})
const setSource: Setter = (mount, value) => void (mount.Source = value)
const setTarget: Setter = (mount, value) => void (mount.Target = value)
const setReadOnly: Setter = (mount, value, key) => void (mount.ReadOnly = truth(value, key))

/** Keys of `--mount`. */
const MOUNT_KEYS: Readonly<Record<string, Setter>> = {
  type: (mount, value) => void (mount.Type = value.toLowerCase() as MountRequest['Type']),
  source: setSource,
  src: setSource,
  target: setTarget,
  dst: setTarget,
  destination: setTarget,
  readonly: setReadOnly,
  ro: setReadOnly,
  consistency: (mount, value) => void (mount.Consistency = value),
  'bind-propagation': (mount, value) => void ((mount.BindOptions ??= {})['Propagation'] = value),
  'bind-nonrecursive': (mount, value, key) => void ((mount.BindOptions ??= {})['NonRecursive'] = truth(value, key)),
  'bind-recursive': setRecursive,
  'volume-nocopy': (mount, value, key) => void (volumeOptions(mount)['NoCopy'] = truth(value, key)),
  'volume-subpath': (mount, value) => void (volumeOptions(mount)['Subpath'] = value),
  'volume-label': (mount, value) => {
    const [name, text] = splitPair(value)
    ;(volumeOptions(mount).Labels ??= {})[name] = text
  },
  'volume-driver': (mount, value) => void (driverConfig(mount).Name = value),
  'volume-opt': (mount, value) => {
    const [name, text] = splitPair(value)
    ;(driverConfig(mount).Options ??= {})[name] = text
  },
  'tmpfs-size': (mount, value) => void ((mount.TmpfsOptions ??= {})['SizeBytes'] = parseBytes(value)),
  'tmpfs-mode': (mount, value) => {
    if (!/^[0-7]+$/.test(value)) throw bad(`invalid value for tmpfs-mode: ${value}`)
    ;(mount.TmpfsOptions ??= {})['Mode'] = Number.parseInt(value, 8)
  },
}

function setRecursive(mount: MountDraft, value: string): void {
  const options = (mount.BindOptions ??= {})
  if (value === 'disabled') options['NonRecursive'] = true
  else if (value === 'writable') options['ReadOnlyNonRecursive'] = true
  else if (value === 'readonly') options['ReadOnlyForceRecursive'] = true
  else if (value !== 'enabled') throw bad(`invalid value for bind-recursive: ${value}`)
}

/** `type=volume,src=data,dst=/data,"volume-opt=o=a,b"`. */
export function mount(text: string): MountRequest {
  const draft: MountDraft = { Type: 'volume', Target: '' }
  for (const field of splitCsv(text)) {
    const [key, value] = splitPair(field)
    const name = key.trim().toLowerCase()
    const set = Object.hasOwn(MOUNT_KEYS, name) ? MOUNT_KEYS[name] : undefined
    const isSwitch = ['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive'].includes(name)
    if (set === undefined)
      throw bad(`invalid argument "${text}" for "--mount" flag: unexpected key '${key}' in '${field}'`)
    if (!field.includes('=') && !isSwitch) {
      throw bad(`invalid argument "${text}" for "--mount" flag: invalid field '${field}' must be a key=value pair`)
    }
    set(draft, value, key)
  }
  if (draft.Target === '') throw bad(`invalid argument "${text}" for "--mount" flag: target is required`)
  return draft
}

/** Fields between commas; quotes keep commas in. */
function splitCsv(text: string): string[] {
  return [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain = '']) =>
    quoted === undefined ? plain : quoted.replaceAll('""', '"'),
  )
}
