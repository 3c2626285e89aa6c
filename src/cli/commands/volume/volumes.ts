import { invalidInput, unsupported } from '../../../core/errors.ts'
import { filterQuery, type VolumeInspect } from '../../../docker-api/index.ts'
import type { RunCommand } from '../../command.ts'
import { type EngineCommand, pathOf, withEngine } from '../../engine/engine-api.ts'
import { readFilters } from '../../engine/filters.ts'
import { forEach } from '../../engine/for-each.ts'
import { printListing } from '../../engine/listing.ts'
import { labelText } from '../../output/shorten.ts'
import { labelsOf } from '../container/create/read-lines.ts'
import { pairs } from '../container/create/read-values.ts'

/** A row of `--format raw`. */
export const RAW_VOLUME = 'name: {{.Name}}\ndriver: {{.Driver}}\n'

/** `shoal volume ls`. */
export const runVolumeList = withEngine(async command => {
  const { api, options } = command
  const query = { filters: filterQuery(readFilters(options.list('filter'))) }
  const { Volumes } = await api.ask<{ Volumes: readonly VolumeInspect[] | null }>('GET', '/volumes', { query })
  printVolumes(command, Volumes ?? [])
})

/** A listing of volumes by name, as `--format` and `-q` want it. */
export function printVolumes(command: EngineCommand, volumes: readonly VolumeInspect[]): void {
  const rows = volumes.toSorted((a, b) => (a.Name < b.Name ? -1 : 1)).map(volumeRow)
  printListing(command, rows, {
    id: 'Name',
    fields: ['Driver', 'Name'],
    titles: { Name: 'VOLUME NAME' },
    raw: { id: 'name: {{.Name}}', row: RAW_VOLUME },
  })
}

/** A row of the listing, by docker’s field names. */
export function volumeRow(volume: VolumeInspect) {
  return {
    Name: volume.Name,
    Driver: volume.Driver,
    Scope: volume.Scope,
    Mountpoint: volume.Mountpoint,
    Labels: labelText(volume.Labels),
    Label: (name: unknown) => volume.Labels?.[String(name)] ?? '',
    Availability: 'N/A',
    Group: 'N/A',
    Links: 'N/A',
    Size: 'N/A',
    Status: 'N/A',
  }
}

/** `shoal volume create`: prints the name. */
export const runVolumeCreate = withEngine(async ({ api, args, options, context }) => {
  const [positional] = args
  const named = options.text('name')
  if (named !== undefined && positional !== undefined) {
    throw invalidInput(
      'BAD_FLAG',
      'conflicting options: cannot specify a volume-name through both --name and as a positional arg',
    )
  }
  const body = {
    Name: positional ?? named ?? '',
    Driver: options.text('driver') ?? 'local',
    DriverOpts: pairs(options.list('opt')),
    Labels: labelsOf(options),
  }
  const { Name } = await api.ask<VolumeInspect>('POST', '/volumes/create', { body })
  context.stdout.write(`${Name}\n`)
})

/** `shoal volume rm`. */
export const runVolumeRemove = withEngine(command => {
  const removeOne = async (name: string): Promise<void> => {
    const query = { force: command.options.flag('force') ? 1 : undefined }
    await command.api.ask('DELETE', pathOf('volumes', name), { query })
  }
  return forEach(command, removeOne, { inTurn: true })
})

/** `shoal volume update`: there are none that could be changed. */
export const runVolumeUpdate: RunCommand = () =>
  Promise.reject(
    unsupported('NOT_SUPPORTED', 'Cannot update a volume: only cluster volumes of swarm mode can be changed'),
  )
