import { conflict, unsupported } from '../../../core/errors.ts'
import type { ContainerUpdateRequest, HostConfig } from '../../../docker-api/index.ts'
import { isEmpty } from '../checks/index.ts'

/** Numbers and texts that an update can set; 0 and the empty text leave them as they are. */
const FIELDS = [
  'BlkioWeight',
  'CpuPeriod',
  'CpuQuota',
  'CpuRealtimePeriod',
  'CpuRealtimeRuntime',
  'CpuShares',
  'CpusetCpus',
  'CpusetMems',
  'Memory',
  'MemoryReservation',
  'MemorySwap',
  'NanoCpus',
] as const satisfies readonly (keyof HostConfig)[]

/** What the API lets a client send with an update, and what Docker leaves as it was without a word. */
const FIXED = [
  'BlkioDeviceReadBps',
  'BlkioDeviceReadIOps',
  'BlkioDeviceWriteBps',
  'BlkioDeviceWriteIOps',
  'BlkioWeightDevice',
  'CgroupParent',
  'CpuCount',
  'CpuPercent',
  'DeviceCgroupRules',
  'DeviceRequests',
  'Devices',
  'IOMaximumBandwidth',
  'IOMaximumIOps',
  'KernelMemory',
  'KernelMemoryTCP',
  'MemorySwappiness',
  'OomKillDisable',
  'Ulimits',
] as const satisfies readonly (keyof HostConfig)[]

export interface UpdateTarget {
  readonly id: string
  readonly host: HostConfig
  /** Whether swap can be limited here. */
  readonly swap: boolean
}

/** The host config after an update. Throws 409 for what contradicts what is set, and 501 for what cannot be changed. */
export function mergeUpdate({ id, host, swap }: UpdateTarget, update: ContainerUpdateRequest): HostConfig {
  refuseFixed(update)
  const clash = conflictOf(host, update, swap)
  if (clash !== undefined) throw conflict('UPDATE_CONFLICT', `Cannot update container ${id}: ${clash}`)
  const { PidsLimit, RestartPolicy } = update
  const set = FIELDS.flatMap(field => (isEmpty(update[field]) ? [] : [[field, update[field]] as const]))
  return {
    ...host,
    ...Object.fromEntries(set),
    ...(PidsLimit === undefined || PidsLimit === null ? {} : { PidsLimit: PidsLimit === -1 ? 0 : PidsLimit }),
    ...((RestartPolicy?.Name ?? '') === '' ? {} : { RestartPolicy: { MaximumRetryCount: 0, ...RestartPolicy } }),
  }
}

function refuseFixed(update: ContainerUpdateRequest): void {
  const field = FIXED.find(name => !isEmpty(update[name]))
  if (field === undefined) return
  throw unsupported('UPDATE_UNSUPPORTED', `${field} of a container cannot be updated: create the container anew`)
}

function conflictOf(host: HostConfig, update: ContainerUpdateRequest, swap: boolean): string | undefined {
  const both = (one: number | undefined, other: number | undefined): boolean => (one ?? 0) > 0 && (other ?? 0) > 0
  const clash = 'Conflicting options:'
  if (both(update.NanoCpus, host.CpuPeriod))
    return `${clash} Nano CPUs cannot be updated as CPU Period has already been set`
  if (both(update.NanoCpus, host.CpuQuota))
    return `${clash} Nano CPUs cannot be updated as CPU Quota has already been set`
  if (both(update.CpuPeriod, host.NanoCpus))
    return `${clash} CPU Period cannot be updated as NanoCPUs has already been set`
  if (both(update.CpuQuota, host.NanoCpus))
    return `${clash} CPU Quota cannot be updated as NanoCPUs has already been set`
  if (swap && isEmpty(update.MemorySwap) && exceedsSwap(update.Memory ?? 0, host)) {
    return 'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time'
  }
  const { Name = '' } = update.RestartPolicy ?? {}
  if (host.AutoRemove === true && Name !== '' && Name !== 'no') {
    return 'Restart policy cannot be updated because AutoRemove is enabled for the container'
  }
  return undefined
}

/** A limit without one for swap allows as much swap again; without a limit none is set for swap either. */
function exceedsSwap(memory: number, { Memory = 0, MemorySwap = 0 }: HostConfig): boolean {
  const swap = MemorySwap === 0 ? 2 * Memory : MemorySwap
  return memory > 0 && swap >= 0 && memory > swap
}
