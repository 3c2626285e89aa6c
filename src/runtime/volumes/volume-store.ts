import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { VolumeOperations } from '../../docker-api/index.ts'
import type { ContainerMounts } from '../ports.ts'
import { createContainerMounts } from './container-mounts.ts'
import { createKernelMounter, type VolumeMounter } from './kernel-mounter.ts'
import { VolumeDisk } from './volume-disk.ts'
import { createVolumeOperations } from './volume-operations.ts'
import { VolumeTable } from './volume-table.ts'

export interface VolumeStoreOptions {
  readonly dataRoot: string
}

export interface VolumeStorePorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Told of every `create`, `destroy`, `mount`, `unmount` and `prune`, for the event stream. */
  readonly emit?: (action: string, volume: string, attributes: Readonly<Record<string, string>>) => void
  /** Absent: the kernel's. */
  readonly mounter?: VolumeMounter
}

export interface VolumeStore {
  readonly mounts: ContainerMounts
  readonly volumes: VolumeOperations
}

/** Opens the volumes below a data root, deleting what a crash left unfinished. */
export async function createVolumeStore(options: VolumeStoreOptions, ports: VolumeStorePorts): Promise<VolumeStore> {
  const mounter = ports.mounter ?? createKernelMounter(ports.clock)
  const table = new VolumeTable(new VolumeDisk(options.dataRoot), ports, mounter)
  await table.open()
  return { mounts: createContainerMounts(table), volumes: createVolumeOperations(table) }
}
