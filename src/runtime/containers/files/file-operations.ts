import type { ContainerOperations } from '../../../docker-api/index.ts'
import { pruneContainers } from '../life/prune-containers.ts'
import type { Room } from '../room.ts'
import { containerStats } from '../stats/index.ts'
import { updateContainer } from '../update/index.ts'
import { commitContainer } from './commit-container.ts'
import { changesOf, exportContainer, readArchive, statPath, writeArchive } from './index.ts'

type FileOperations = Pick<
  ContainerOperations,
  'statPath' | 'readArchive' | 'writeArchive' | 'changes' | 'export' | 'commit' | 'update' | 'prune' | 'stats'
>

/** What is done with the files of containers, and what they use. */
export function fileOperations(room: Room): FileOperations {
  return {
    statPath: (id, path) => statPath(room, id, path),
    readArchive: (id, path) => readArchive(room, id, path),
    writeArchive: (id, path, options) => writeArchive(room, id, { path, ...options }),
    changes: id => changesOf(room, id),
    export: id => exportContainer(room, id),
    commit: (id, options) => commitContainer(room, id, options),
    update: (id, request) => updateContainer(room, id, request),
    prune: ({ filters = {} }) => pruneContainers(room, filters),
    stats: (id, options, signal) => containerStats(room, id, options, signal),
  }
}
