import type { VolumeOperations } from '../../docker-api/index.ts'
import type { ContainerMounts } from '../ports.ts'
import { createContainerMounts } from './container-mounts.ts'
import { createKernelMounter } from './kernel-mounter.ts'
import { VolumeDisk } from './volume-disk.ts'
import { createVolumeOperations } from './volume-operations.ts'
import type { VolumeStorePorts } from './volume-ports.ts'
import { VolumeTable } from './volume-table.ts'

export interface VolumeStoreOptions {
  readonly dataRoot: string
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
