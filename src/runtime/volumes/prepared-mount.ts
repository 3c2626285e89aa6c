import type { PreparedMount } from '../ports.ts'
import type { WantedMount } from './wanted-mounts.ts'

type Wanted<T extends WantedMount['type']> = Extract<WantedMount, { type: T }>

export function bindMount(wanted: Wanted<'bind'>): PreparedMount {
  const { source, destination, readOnly, readOnlyBelow, recursive, propagation, mode } = wanted
  return {
    point: {
      Type: 'bind',
      Source: source,
      Destination: destination,
      Mode: mode,
      RW: !readOnly,
      Propagation: propagation,
    },
    type: 'bind',
    source,
    destination,
    options: [recursive ? 'rbind' : 'bind', propagation, readOnlyBelow ? 'rro' : readOnly ? 'ro' : 'rw'],
    copyUp: false,
  }
}

export function tmpfsMount({ destination, readOnly, options, unlisted }: Wanted<'tmpfs'>): PreparedMount {
  return {
    point: { Type: 'tmpfs', Source: '', Destination: destination, Mode: '', RW: !readOnly, Propagation: '' },
    type: 'tmpfs',
    source: 'tmpfs',
    destination,
    options: [...options, readOnly ? 'ro' : 'rw'],
    copyUp: false,
    ...(unlisted ? { unlisted } : {}),
  }
}

export interface FoundVolume {
  readonly name: string
  readonly driver: string
  /** The volume's directory. */
  readonly data: string
  readonly copyUp: boolean
  /** Where the part that `subpath` names will be. */
  readonly partPath: string
}

export function volumeMount(wanted: Wanted<'volume'>, volume: FoundVolume): PreparedMount {
  const { destination, readOnly, mode, subpath } = wanted
  return {
    point: {
      Type: 'volume',
      Name: volume.name,
      Source: volume.data,
      Destination: destination,
      Driver: volume.driver,
      Mode: mode,
      RW: !readOnly,
      Propagation: '',
    },
    type: 'bind',
    source: subpath === undefined ? volume.data : volume.partPath,
    destination,
    options: ['rbind', 'rprivate', readOnly ? 'ro' : 'rw'],
    copyUp: volume.copyUp,
    ...(subpath === undefined ? {} : { subpath }),
  }
}

/** A mount of another container (`--volumes-from`), which has filled it already. */
export function takenOver(mount: PreparedMount, readOnly: boolean): PreparedMount {
  if (!readOnly || !mount.point.RW) return { ...mount, copyUp: false }
  const options = mount.options.map(word => (word === 'rw' ? 'ro' : word))
  return { ...mount, copyUp: false, options, point: { ...mount.point, RW: false } }
}
