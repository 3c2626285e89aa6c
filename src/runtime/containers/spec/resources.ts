import type { HostConfig } from '../../../docker-api/index.ts'
import type { OciResources } from './oci-types.ts'

const CPU_PERIOD_US = 100_000

/** Limits of a container for its control group. Values were checked before. Swap is left out where it cannot be limited. */
export function resourcesOf(host: HostConfig, { swap }: { readonly swap: boolean }): OciResources {
  const memory = memoryOf(host, swap)
  const cpu = cpuOf(host)
  const pids = host.PidsLimit ?? 0
  return {
    devices: [{ allow: host.Privileged === true, access: 'rwm' }],
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(pids > 0 ? { pids: { limit: pids } } : {}),
  }
}

function memoryOf(host: HostConfig, swap: boolean): NonNullable<OciResources['memory']> {
  const limit = host.Memory ?? 0
  const reservation = host.MemoryReservation ?? 0
  const wished = host.MemorySwap ?? 0
  // As Docker: a memory limit alone allows as much swap again.
  const total = wished === 0 && limit > 0 ? 2 * limit : wished
  return {
    ...(limit > 0 ? { limit } : {}),
    ...(reservation > 0 ? { reservation } : {}),
    ...(swap && total !== 0 ? { swap: total } : {}),
  }
}

function cpuOf(host: HostConfig): NonNullable<OciResources['cpu']> {
  const nano = host.NanoCpus ?? 0
  const quota = nano > 0 ? Math.round((nano * CPU_PERIOD_US) / 1e9) : (host.CpuQuota ?? 0)
  const period = nano > 0 ? CPU_PERIOD_US : (host.CpuPeriod ?? 0)
  const shares = host.CpuShares ?? 0
  return {
    ...(shares > 0 ? { shares } : {}),
    ...(quota !== 0 ? { quota } : {}),
    ...(period > 0 ? { period } : {}),
    ...((host.CpusetCpus ?? '') === '' ? {} : { cpus: host.CpusetCpus ?? '' }),
  }
}
