import { invalidInput } from '../../core/errors.ts'
import type { VolumeInspect } from '../../docker-api/index.ts'

/** What is kept of a volume on disk, beside its data. */
export interface VolumeRecord {
  readonly name: string
  readonly anonymous: boolean
  readonly driver: string
  /** Null: none were given, not even an empty set. */
  readonly driverOptions: Readonly<Record<string, string>> | null
  readonly labels: Readonly<Record<string, string>> | null
  readonly createdAtMs: number
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/
const NAME_LENGTH_MAX = 255

/** A volume's name is a directory's name, so this check is also what keeps `..` and slashes out of paths. */
export function checkVolumeName(name: string): string {
  if (name.length === 1) {
    throw invalidInput(
      'BAD_VOLUME_NAME',
      'volume name is too short, names should be at least two alphanumeric characters',
    )
  }
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
      driverOptions: given.driverOptions ?? null,
      labels: given.labels ?? null,
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
    CreatedAt: new Date(record.createdAtMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    Driver: record.driver,
    Labels: inOrder(record.anonymous ? { ...record.labels, [ANONYMOUS_LABEL]: '' } : record.labels),
    Mountpoint: mountpoint,
    Name: record.name,
    Options: inOrder(record.driverOptions),
    Scope: 'local',
  }
}

/** As Docker writes maps. */
function inOrder(map: Readonly<Record<string, string>> | null): Readonly<Record<string, string>> | null {
  return map === null ? null : Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
