import { invalidInput } from '../../core/errors.ts'
import type { Filters, VolumeInspect } from '../../docker-api/index.ts'

/** What is kept of a volume on disk, beside its data. */
export interface VolumeRecord {
  readonly name: string
  readonly anonymous: boolean
  readonly driver: string
  readonly driverOptions: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly createdAtMs: number
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/
const NAME_LENGTH_MAX = 255

/** A volume's name is a directory's name, so this check is also what keeps `..` and slashes out of paths. */
export function checkVolumeName(name: string): string {
  if (NAME.test(name) && name.length <= NAME_LENGTH_MAX) return name
  throw invalidInput(
    'BAD_VOLUME_NAME',
    `"${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  )
}

export function parseVolumeRecord(text: string): VolumeRecord | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const given = value as Partial<VolumeRecord>
    if (typeof given.name !== 'string') return undefined
    return {
      name: given.name,
      anonymous: given.anonymous === true,
      driver: given.driver ?? 'local',
      driverOptions: given.driverOptions ?? {},
      labels: given.labels ?? {},
      createdAtMs: given.createdAtMs ?? 0,
    }
  } catch {
    return undefined
  }
}

/** Docker marks volumes made without a name with this label, and `volume prune` goes by it. */
const ANONYMOUS_LABEL = 'com.docker.volume.anonymous'

export function inspectVolume(record: VolumeRecord, mountpoint: string): VolumeInspect {
  return {
    Name: record.name,
    Driver: record.driver,
    Mountpoint: mountpoint,
    CreatedAt: new Date(record.createdAtMs).toISOString(),
    Labels: record.anonymous ? { ...record.labels, [ANONYMOUS_LABEL]: '' } : record.labels,
    Scope: 'local',
    Options: Object.keys(record.driverOptions).length === 0 ? null : record.driverOptions,
  }
}

type FilterTest = (volume: VolumeInspect, value: string, inUse: boolean) => boolean

const FILTERS: Readonly<Record<string, FilterTest>> = {
  name: (volume, value) => volume.Name.includes(value),
  driver: (volume, value) => volume.Driver === value,
  dangling: (_volume, value, inUse) => ['true', '1'].includes(value) === !inUse,
  label: (volume, value) => hasLabel(volume, value),
  'label!': (volume, value) => !hasLabel(volume, value),
}

function hasLabel({ Labels }: VolumeInspect, wanted: string): boolean {
  const [key = '', ...rest] = wanted.split('=')
  return key in Labels && (rest.length === 0 || Labels[key] === rest.join('='))
}

/** Docker's volume filters: values of one key are alternatives (all must hold for labels), keys must all match. */
export function matchesVolumeFilters(volume: VolumeInspect, filters: Filters, inUse: boolean): boolean {
  return Object.entries(filters).every(([key, values]) => {
    const test = FILTERS[key]
    if (test === undefined) {
      throw invalidInput('BAD_FILTER', `invalid filter '${key}': expected one of ${Object.keys(FILTERS).join(', ')}`)
    }
    const match = (value: string): boolean => test(volume, value, inUse)
    return key.startsWith('label') ? values.every(match) : values.some(match)
  })
}
