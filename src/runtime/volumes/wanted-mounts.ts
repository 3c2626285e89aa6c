import { invalidInput } from '../../core/errors.ts'
import type { ContainerConfig, ContainerCreateRequest, MountRequest } from '../../docker-api/index.ts'
import { absoluteDestination, cleanPath, type Propagation, parseBind, parsePropagation } from './parse-bind.ts'

/** What a container asks to have mounted, before anything is looked up or made. */
export type WantedMount =
  | {
      readonly type: 'bind'
      readonly source: string
      readonly destination: string
      readonly readOnly: boolean
      readonly propagation: Propagation
      readonly mode: string
      /** `-v` makes a missing source, `--mount` refuses it. */
      readonly createSource: boolean
    }
  | {
      readonly type: 'volume'
      /** Absent: anonymous. */
      readonly name?: string
      readonly destination: string
      readonly readOnly: boolean
      readonly noCopy: boolean
      readonly mode: string
      readonly driver: string
      readonly driverOptions: Readonly<Record<string, string>>
      readonly labels: Readonly<Record<string, string>>
    }
  | {
      readonly type: 'tmpfs'
      readonly destination: string
      readonly readOnly: boolean
      readonly options: readonly string[]
    }

const DEFAULT_TMPFS_OPTIONS = ['noexec', 'nosuid', 'nodev']

/**
 * Reads Binds, Mounts, Tmpfs, Volumes and the image's volumes into one list, outer destinations first.
 *
 * What is asked for wins over an image's volume at the same place; two requests for one place are refused.
 */
export function wantedMounts(request: ContainerCreateRequest, image: ContainerConfig): readonly WantedMount[] {
  const host = request.HostConfig ?? {}
  const asked = [
    ...(host.Binds ?? []).map(fromBind),
    ...(host.Mounts ?? []).map(fromMount),
    ...Object.entries(host.Tmpfs ?? {}).map(([destination, options]) => fromTmpfs(destination, options)),
  ]
  const taken = new Set<string>()
  for (const { destination } of asked) {
    if (taken.has(destination)) throw invalidInput('DUPLICATE_MOUNT', `Duplicate mount point: ${destination}`)
    taken.add(destination)
  }
  const anonymous = [...Object.keys(request.Volumes ?? {}), ...Object.keys(image.Volumes ?? {})]
    .map(path => absoluteDestination(path, path))
    .filter(path => !taken.has(path) && taken.add(path) !== undefined)
    .map(path => volumeMount({ destination: path }))
  return [...asked, ...anonymous].toSorted((a, b) => depth(a.destination) - depth(b.destination))
}

function depth(path: string): number {
  return path.split('/').length
}

function volumeMount(
  given: Pick<WantedMount, 'destination'> & Partial<Extract<WantedMount, { type: 'volume' }>>,
): WantedMount {
  const defaults = { readOnly: false, noCopy: false, mode: '', driver: 'local', driverOptions: {}, labels: {} }
  return { ...defaults, ...given, type: 'volume' }
}

function fromBind(text: string): WantedMount {
  const { type, source, destination, readOnly, noCopy, propagation, mode } = parseBind(text)
  if (type === 'bind') {
    return { type, source: source ?? '', destination, readOnly, propagation, mode, createSource: true }
  }
  return volumeMount({ ...(source === undefined ? {} : { name: source }), destination, readOnly, noCopy, mode })
}

function fromMount(mount: MountRequest): WantedMount {
  if (mount.Target === undefined || mount.Target === '') return invalidMount(mount, 'field Target must not be empty')
  const place = { destination: absoluteDestination(mount.Target, mount.Target), readOnly: mount.ReadOnly === true }
  switch (mount.Type) {
    case 'bind':
      return bindFrom(mount, place)
    case 'volume':
      return volumeFrom(mount, place)
    case 'tmpfs':
      if (mount.Source) return invalidMount(mount, 'field Source must not be specified')
      return { type: 'tmpfs', ...place, options: tmpfsOptions(mount.TmpfsOptions ?? {}) }
    default:
      return invalidMount(mount, 'mount type unknown: expected bind, volume or tmpfs')
  }
}

function invalidMount(mount: MountRequest, why: string): never {
  throw invalidInput('BAD_MOUNT', `invalid mount config for type "${mount.Type}": ${why}`)
}

type Place = Pick<WantedMount, 'destination' | 'readOnly'>

function bindFrom(mount: MountRequest, place: Place): WantedMount {
  const source = mount.Source ?? ''
  if (source === '') return invalidMount(mount, 'field Source must not be empty')
  if (!source.startsWith('/')) {
    return invalidMount(mount, `invalid mount path: '${source}' mount path must be absolute`)
  }
  return {
    type: 'bind',
    ...place,
    source: cleanPath(source),
    propagation: parsePropagation(mount.BindOptions?.Propagation),
    mode: '',
    createSource: mount.BindOptions?.CreateMountpoint === true,
  }
}

function volumeFrom({ Source, VolumeOptions: options = {} }: MountRequest, place: Place): WantedMount {
  return volumeMount({
    ...place,
    ...(Source ? { name: Source } : {}),
    noCopy: options.NoCopy === true,
    driver: options.DriverConfig?.Name || 'local',
    driverOptions: options.DriverConfig?.Options ?? {},
    labels: options.Labels ?? {},
  })
}

function tmpfsOptions({ SizeBytes, Mode }: { readonly SizeBytes?: number; readonly Mode?: number }): readonly string[] {
  return [
    ...DEFAULT_TMPFS_OPTIONS,
    ...(SizeBytes === undefined || SizeBytes === 0 ? [] : [`size=${SizeBytes}`]),
    ...(Mode === undefined || Mode === 0 ? [] : [`mode=${Mode.toString(8)}`]),
  ]
}

const TMPFS_OPTION =
  /^(?:ro|rw|exec|noexec|suid|nosuid|dev|nodev|sync|async|atime|noatime|relatime|strictatime|diratime|nodiratime|mand|nomand|size=\d+[kmg%]?|mode=[0-7]{3,4}|uid=\d+|gid=\d+|nr_inodes=\d+[kmg]?|nr_blocks=\d+[kmg]?)$/i

/** `--tmpfs /run:size=64m,mode=1777`: words given replace the defaults they contradict. */
function fromTmpfs(path: string, text: string): WantedMount {
  const words = text === '' ? [] : text.split(',')
  const bad = words.find(word => !TMPFS_OPTION.test(word))
  if (bad !== undefined) throw invalidInput('BAD_TMPFS_OPTION', `Invalid tmpfs option "${bad}"`)
  const kept = DEFAULT_TMPFS_OPTIONS.filter(word => !words.includes(word) && !words.includes(word.slice('no'.length)))
  return {
    type: 'tmpfs',
    destination: absoluteDestination(path, path),
    readOnly: words.includes('ro'),
    options: [...kept, ...words.filter(word => word !== 'ro' && word !== 'rw')],
  }
}
