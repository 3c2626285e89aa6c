import type { HostConfig } from '../../../docker-api/index.ts'
import type { CgroupAbilities } from '../../linux/process/cgroup-abilities.ts'
import type { OciBlockIo, OciDeviceRule, OciResources } from './oci-types.ts'

const CPU_PERIOD_US = 100_000

type Abilities = Pick<CgroupAbilities, 'swap'> & Partial<CgroupAbilities>

/** Limits of a container for its control group. Values were checked before; what cannot be limited here is left out. */
export function resourcesOf(
  host: HostConfig,
  abilities: Abilities,
  given: { readonly devices?: readonly OciDeviceRule[]; readonly blockIO?: OciBlockIo | undefined } = {},
): OciResources {
  const memory = memoryOf(host, abilities)
  const cpu = cpuOf(host)
  const pids = host.PidsLimit ?? 0
  return {
    devices: given.devices ?? [{ allow: host.Privileged === true, access: 'rwm' }],
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(pids > 0 ? { pids: { limit: pids } } : {}),
    ...(given.blockIO === undefined ? {} : { blockIO: given.blockIO }),
  }
}

function memoryOf(host: HostConfig, abilities: Abilities): NonNullable<OciResources['memory']> {
  const limit = host.Memory ?? 0
  const wished = host.MemorySwap ?? 0
  const swappiness = host.MemorySwappiness ?? -1
  // As Docker: a memory limit alone allows as much swap again.
  const total = wished === 0 && limit > 0 ? 2 * limit : wished
  return {
    ...whereSet({ limit, reservation: host.MemoryReservation }),
    ...(abilities.swap ? whereSet({ swap: total }) : {}),
    ...(abilities.swappiness === true && swappiness >= 0 ? { swappiness } : {}),
    ...(abilities.oomControl === true && host.OomKillDisable === true ? { disableOOMKiller: true } : {}),
  }
}

function cpuOf(host: HostConfig): NonNullable<OciResources['cpu']> {
  const nano = host.NanoCpus ?? 0
  const isByNano = nano > 0
  return whereSet({
    shares: host.CpuShares,
    quota: isByNano ? Math.round((nano * CPU_PERIOD_US) / 1e9) : host.CpuQuota,
    period: isByNano ? CPU_PERIOD_US : host.CpuPeriod,
    realtimeRuntime: host.CpuRealtimeRuntime,
    realtimePeriod: host.CpuRealtimePeriod,
    cpus: host.CpusetCpus,
    mems: host.CpusetMems,
  })
}

/** Without the fields that are 0 or empty, which mean no limit. */
function whereSet<T extends Readonly<Record<string, number | string | undefined>>>(
  fields: T,
): { [K in keyof T]?: NonNullable<T[K]> } {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined && value !== 0 && value !== '')
  return Object.fromEntries(set) as { [K in keyof T]?: NonNullable<T[K]> }
}
