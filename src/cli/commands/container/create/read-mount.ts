import { resolve } from 'node:path'
import type { MountRequest } from '../../../../docker-api/index.ts'
import { bad, size, splitPair } from './read-values.ts'

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
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false
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
  'tmpfs-size': (mount, value, key) => {
    try {
      ;(mount.TmpfsOptions ??= {})['SizeBytes'] = size(value)
    } catch {
      throw bad(`invalid value for ${key}: ${value}`)
    }
  },
  'tmpfs-mode': (mount, value) => {
    if (!/^[0-7]+$/.test(value)) throw bad(`invalid value for tmpfs-mode: ${value}`)
    ;(mount.TmpfsOptions ??= {})['Mode'] = Number.parseInt(value, 8)
  },
}

const RECURSIVE: Readonly<Record<string, string>> = {
  enabled: '',
  disabled: 'NonRecursive',
  writable: 'ReadOnlyNonRecursive',
  readonly: 'ReadOnlyForceRecursive',
}

function setRecursive(mount: MountDraft, value: string): void {
  const name = Object.hasOwn(RECURSIVE, value) ? RECURSIVE[value] : undefined
  if (name === undefined) {
    const known = 'must be "enabled", "disabled", "writable", or "readonly"'
    throw bad(`invalid value for bind-recursive: ${value} (${known})`)
  }
  const options = (mount.BindOptions ??= {})
  if (name !== '') options[name] = true
}

const SWITCHES: ReadonlySet<string> = new Set(['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive'])

/** `type=volume,src=data,dst=/data,"volume-opt=o=a,b"`; a source that begins with `.` is below `cwd`. */
export function mount(text: string, cwd = '/'): MountRequest {
  if (text === '') throw bad('EOF')
  const draft: MountDraft = { Type: 'volume', Target: '' }
  for (const field of splitCsv(text)) {
    const [key, given] = splitPair(field)
    const name = key.trim().toLowerCase()
    const isSwitch = !field.includes('=') && SWITCHES.has(name)
    if (!field.includes('=') && !isSwitch) throw bad(`invalid field '${field}' must be a key=value pair`)
    const set = Object.hasOwn(MOUNT_KEYS, name) ? MOUNT_KEYS[name] : undefined
    if (set === undefined) throw bad(`unexpected key '${key}' in '${field}'`)
    set(draft, isSwitch ? 'true' : given, key)
  }
  checkMount(draft)
  const { Source } = draft
  const isBelow = draft.Type === 'bind' && Source !== undefined && /^\.\.?(\/|$)/.test(Source)
  return isBelow ? { ...draft, Source: resolve(cwd, Source) } : draft
}

function checkMount({ Type, Target, ReadOnly, BindOptions, VolumeOptions, TmpfsOptions }: MountDraft): void {
  if (Target === '') throw bad('target is required')
  const foreign = Object.entries({ volume: VolumeOptions, bind: BindOptions, tmpfs: TmpfsOptions }).find(
    ([kind, options]) => options !== undefined && kind !== Type,
  )
  if (foreign !== undefined) throw bad(`cannot mix '${foreign[0]}-*' options with mount type '${Type}'`)
  const recursive = ['writable', 'readonly'].find(value => BindOptions?.[RECURSIVE[value] ?? ''] === true)
  if (recursive !== undefined && ReadOnly !== true) {
    throw bad(`option 'bind-recursive=${recursive}' requires 'readonly' to be specified in conjunction`)
  }
}

/** Fields between commas; quotes keep commas in. */
export function splitCsv(text: string): string[] {
  return [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain = '']) =>
    quoted === undefined ? plain : quoted.replaceAll('""', '"'),
  )
}
