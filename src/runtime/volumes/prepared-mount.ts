import type { PreparedMount } from '../ports.ts'
import type { WantedMount } from './wanted-mounts.ts'

type Wanted<T extends WantedMount['type']> = Extract<WantedMount, { type: T }>

export function bindMount({ source, destination, readOnly, propagation, mode }: Wanted<'bind'>): PreparedMount {
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
    options: ['rbind', propagation, readOnly ? 'ro' : 'rw'],
    copyUp: false,
  }
}

export function tmpfsMount({ destination, readOnly, options }: Wanted<'tmpfs'>): PreparedMount {
  return {
    point: { Type: 'tmpfs', Source: '', Destination: destination, Mode: '', RW: !readOnly, Propagation: '' },
    type: 'tmpfs',
    source: 'tmpfs',
    destination,
    options: [...options, readOnly ? 'ro' : 'rw'],
    copyUp: false,
  }
}

export function volumeMount(
  { destination, readOnly, mode }: Wanted<'volume'>,
  { name, driver, data, copyUp }: { name: string; driver: string; data: string; copyUp: boolean },
): PreparedMount {
  return {
    point: {
      Type: 'volume',
      Name: name,
      Source: data,
      Destination: destination,
      Driver: driver,
      Mode: mode,
      RW: !readOnly,
      Propagation: '',
    },
    type: 'bind',
    source: data,
    destination,
    options: ['rbind', 'rprivate', readOnly ? 'ro' : 'rw'],
    copyUp,
  }
}
