import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { CgroupLayout } from './cgroups.ts'

/** What the control groups of this machine can do beyond what all of them can. */
export interface CgroupAbilities {
  readonly memory: boolean
  readonly swap: boolean
  readonly swappiness: boolean
  /** Whether the OOM killer can be switched off for a group. */
  readonly oomControl: boolean
  readonly pids: boolean
  readonly cpu: boolean
  /** Real-time scheduling; v1 only. */
  readonly realtime: boolean
  readonly cpuset: boolean
  readonly blockIo: boolean
  readonly blockIoWeight: boolean
}

/** Looks at the files the kernel offers. */
export function cgroupAbilities({ version, mounts, swap }: CgroupLayout): CgroupAbilities {
  const has = (controller: string, ...files: readonly string[]): boolean => {
    const mount = mounts.get(controller)
    return mount !== undefined && files.some(file => existsSync(join(mount, file)))
  }
  const isOld = version === '1'
  return {
    memory: mounts.has('memory'),
    swap,
    swappiness: isOld && has('memory', 'memory.swappiness'),
    oomControl: isOld && has('memory', 'memory.oom_control'),
    pids: mounts.has('pids'),
    cpu: mounts.has('cpu'),
    realtime: isOld && has('cpu', 'cpu.rt_runtime_us'),
    cpuset: mounts.has('cpuset'),
    blockIo: mounts.has(isOld ? 'blkio' : 'io'),
    // The root group has no weight of its own, but the statistics of the scheduler that has weights.
    blockIoWeight: isOld ? has('blkio', 'blkio.weight', 'blkio.bfq.io_service_bytes') : mounts.has('io'),
  }
}
