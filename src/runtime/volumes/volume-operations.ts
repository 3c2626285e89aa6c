import { errorCode } from '../../core/errors.ts'
import type { VolumeInspect, VolumeOperations } from '../../docker-api/index.ts'
import { sizeOfTree } from '../linux/files/tree-size.ts'
import { pruneFilter, readBooleanFilter, volumeFilter } from './volume-filters.ts'
import type { VolumeTable } from './volume-table.ts'

/** What the Docker Engine API offers on volumes. */
export function createVolumeOperations(table: VolumeTable): VolumeOperations {
  const withUsage = async (volume: VolumeInspect): Promise<VolumeInspect> => {
    const Size = await sizeOfTree(volume.Mountpoint)
    return { ...volume, UsageData: { Size, RefCount: table.usersOf(volume.Name).length } }
  }
  return {
    create: async request => table.inspect(await table.ensure(request)),
    async list({ filters = {}, size = false }) {
      const matches = volumeFilter(filters)
      const found = table
        .all()
        .map(record => table.inspect(record))
        .filter(volume => matches(volume, table.usersOf(volume.Name).length > 0))
        .toSorted((a, b) => (a.Name < b.Name ? -1 : 1))
      if (!size) return found
      const measured: VolumeInspect[] = []
      for (const volume of found) measured.push(await withUsage(volume))
      return measured
    },
    inspect: async name => table.inspect(table.get(name)),
    remove: (name, { force }) => table.locks.run(name, () => table.remove(name, force === true)),
    async prune({ filters = {} }) {
      const matches = pruneFilter(filters)
      const everyOne = readBooleanFilter(filters, 'all') === true
      const VolumesDeleted: string[] = []
      let SpaceReclaimed = 0
      for (const record of table.all().filter(({ anonymous }) => everyOne || anonymous)) {
        const volume = table.inspect(record)
        if (!matches(volume) || table.usersOf(record.name).length > 0) continue
        const bytes = await sizeOfTree(volume.Mountpoint)
        try {
          await table.locks.run(record.name, () => table.remove(record.name, false))
        } catch (error) {
          // Somebody took it into use, or removed it, while it was measured.
          if (['VOLUME_IN_USE', 'NO_SUCH_VOLUME'].includes(errorCode(error) ?? '')) continue
          throw error
        }
        VolumesDeleted.push(record.name)
        SpaceReclaimed += bytes
      }
      table.ports.emit?.('prune', '', { reclaimed: String(SpaceReclaimed) })
      return { VolumesDeleted, SpaceReclaimed }
    },
  }
}
