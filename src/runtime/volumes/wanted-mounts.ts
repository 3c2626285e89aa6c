import { cleanPath } from '../../core/clean-path.ts'
import { invalidInput } from '../../core/errors.ts'
import type { ContainerConfig, ContainerCreateRequest, MountRequest } from '../../docker-api/index.ts'
import { absoluteDestination, type Propagation, parseBind, parsePropagation } from './parse-bind.ts'
import { checkSubpath } from './subpath.ts'

/** What a container asks to have mounted, before anything is looked up or made. */
export type WantedMount =
  | {
      readonly type: 'bind'
      readonly source: string
      readonly destination: string
      readonly readOnly: boolean
      readonly propagation: Propagation
      readonly mode: string
      /** What is mounted below the source comes along. */
      readonly recursive: boolean
      /** Read-only also where something is mounted below the source; the container fails where the kernel cannot. */
      readonly readOnlyBelow: boolean
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
      readonly driverOptions: Readonly<Record<string, string>> | null
      readonly labels: Readonly<Record<string, string>> | null
      readonly subpath?: string
    }
  | {
      readonly type: 'tmpfs'
      readonly destination: string
      readonly readOnly: boolean
      readonly options: readonly string[]
      /** Asked for by `--tmpfs`, which Docker does not list among a container's mounts. */
      readonly unlisted: boolean
    }

/** What Docker notes as the mode of a named volume for which none was given. */
const LABELLED = 'z'

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
  const defaults = { readOnly: false, noCopy: false, mode: '', driver: 'local', driverOptions: null, labels: null }
  return { ...defaults, ...given, type: 'volume' }
}

function fromBind(text: string): WantedMount {
  const { type, source, destination, readOnly, noCopy, propagation, mode } = parseBind(text)
  if (type === 'bind') {
    const whole = { recursive: true, readOnlyBelow: false, createSource: true }
    return { type, source: source ?? '', destination, readOnly, propagation, mode, ...whole }
  }
  if (source === undefined) return volumeMount({ destination })
  return volumeMount({ name: source, destination, readOnly, noCopy, mode: mode || LABELLED })
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
      return { type: 'tmpfs', ...place, options: tmpfsOptions(mount.TmpfsOptions ?? {}), unlisted: false }
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
  const { Propagation, CreateMountpoint, NonRecursive, ReadOnlyForceRecursive } = mount.BindOptions ?? {}
  if (ReadOnlyForceRecursive === true && (!place.readOnly || NonRecursive === true)) {
    return invalidMount(mount, 'ReadOnlyForceRecursive needs ReadOnly, and no NonRecursive')
  }
  return {
    type: 'bind',
    ...place,
    source: cleanPath(source),
    propagation: parsePropagation(Propagation),
    mode: '',
    recursive: NonRecursive !== true,
    readOnlyBelow: ReadOnlyForceRecursive === true,
    createSource: CreateMountpoint === true,
  }
}

function volumeFrom({ Source, VolumeOptions }: MountRequest, place: Place): WantedMount {
  const { NoCopy, Subpath, Labels, DriverConfig } = VolumeOptions ?? {}
  return volumeMount({
    ...place,
    ...(Source ? { name: Source } : {}),
    ...(Subpath ? { subpath: checkSubpath(Subpath, Source) } : {}),
    mode: LABELLED,
    noCopy: NoCopy === true,
    driver: DriverConfig?.Name || 'local',
    driverOptions: DriverConfig?.Options ?? null,
    labels: Labels ?? null,
  })
}

function tmpfsOptions({ SizeBytes, Mode, Options }: NonNullable<MountRequest['TmpfsOptions']>): readonly string[] {
  const words = [
    ...(SizeBytes === undefined || SizeBytes === 0 ? [] : [`size=${SizeBytes}`]),
    ...(Mode === undefined || Mode === 0 ? [] : [`mode=${Mode.toString(8)}`]),
    ...(Options ?? []).map(option => option.join('=')),
  ]
  return mergeTmpfsOptions(words)
}

const TMPFS_OPTION =
  /^(?:ro|rw|exec|noexec|suid|nosuid|dev|nodev|sync|async|atime|noatime|relatime|strictatime|diratime|nodiratime|mand|nomand|size=\d+[kmg%]?|mode=[0-7]{3,4}|uid=\d+|gid=\d+|nr_inodes=\d+[kmg]?|nr_blocks=\d+[kmg]?)$/i

/** Words given replace the defaults they contradict. */
function mergeTmpfsOptions(words: readonly string[]): readonly string[] {
  const bad = words.find(word => !TMPFS_OPTION.test(word))
  if (bad !== undefined) throw invalidInput('BAD_TMPFS_OPTION', `Invalid tmpfs option "${bad}"`)
  const kept = DEFAULT_TMPFS_OPTIONS.filter(word => !words.includes(word) && !words.includes(word.slice('no'.length)))
  return [...kept, ...words.filter(word => word !== 'ro' && word !== 'rw')]
}

/** `--tmpfs /run:size=64m,mode=1777`. */
function fromTmpfs(path: string, text: string): WantedMount {
  const words = text === '' ? [] : text.split(',')
  return {
    type: 'tmpfs',
    destination: absoluteDestination(path, path),
    readOnly: words.includes('ro'),
    options: mergeTmpfsOptions(words),
    unlisted: true,
  }
}
