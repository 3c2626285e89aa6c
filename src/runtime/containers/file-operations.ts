import { unsupported } from '../../core/errors.ts'
import type { ContainerOperations } from '../../docker-api/index.ts'
import type { Room } from './room.ts'

type FileOperations = Pick<
  ContainerOperations,
  'statPath' | 'readArchive' | 'writeArchive' | 'changes' | 'export' | 'commit' | 'update' | 'prune' | 'stats'
>

/** What is done with the files of containers, and what they use. */
export function fileOperations(_room: Room): FileOperations {
  return {
    statPath: absent,
    readArchive: absent,
    writeArchive: absent,
    changes: absent,
    export: absent,
    commit: absent,
    update: absent,
    prune: absent,
    stats: () => {
      throw unsupported('NOT_YET', 'This engine has no stats yet')
    },
  }
}

async function absent(): Promise<never> {
  throw unsupported('NOT_YET', 'This engine does not do that yet')
}
