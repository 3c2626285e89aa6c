import { invalidInput } from '../../../core/errors.ts'
import type { HostConfig } from '../../../docker-api/index.ts'
import type { HostFacts } from '../host/host-facts.ts'

const MEMORY_BYTES_MIN = 6 * 1024 * 1024
const CPU_SET_MAX = 8_192

/** Throws 400 for limits that make no sense or that this machine cannot have, in docker's words. */
export function checkResources(host: HostConfig, facts: HostFacts): void {
  checkMemory(host)
  checkCpus(host, facts.cpus)
  checkRealtime(host, facts)
  checkSet(host.CpusetCpus, facts.processors, ['cpuset cpus', 'CPUs'])
  checkSet(host.CpusetMems, facts.memoryNodes, ['cpuset mems', 'memory nodes'])
  checkBlockIo(host)
}

function bad(message: string): never {
  throw invalidInput('BAD_LIMIT', message)
}

/** Refuses with the sentence of the first case that is so. */
function refuseIf(...cases: readonly (readonly [isSo: boolean, message: string])[]): void {
  const found = cases.find(([isSo]) => isSo)
  if (found !== undefined) bad(found[1])
}

function checkMemory({ Memory: limit = 0, MemorySwap: swap = 0, ...host }: HostConfig): void {
  const reservation = host.MemoryReservation ?? 0
  const swappiness = host.MemorySwappiness ?? -1
  const isLimited = limit !== 0
  refuseIf(
    [isLimited && limit < MEMORY_BYTES_MIN, 'Minimum memory limit allowed is 6MB'],
    [swap > 0 && !isLimited, 'You should always set the Memory limit when using Memoryswap limit, see usage'],
    [swap > 0 && swap < limit, 'Minimum memoryswap limit should be larger than memory limit, see usage'],
    [reservation !== 0 && reservation < MEMORY_BYTES_MIN, 'Minimum memory reservation allowed is 6MB'],
    [isLimited && reservation > limit, 'Minimum memory limit can not be less than memory reservation limit, see usage'],
    [swappiness < -1 || swappiness > 100, `Invalid value: ${swappiness}, valid memory swappiness range is 0-100`],
  )
}

function checkCpus(
  { NanoCpus: nano = 0, CpuPeriod: period = 0, CpuQuota: quota = 0, ...host }: HostConfig,
  cpus: number,
): void {
  const shares = host.CpuShares ?? 0
  const isByNano = nano !== 0
  const range = `Range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`
  refuseIf(
    [isByNano && period !== 0, 'Conflicting options: Nano CPUs and CPU Period cannot both be set.'],
    [isByNano && quota !== 0, 'Conflicting options: Nano CPUs and CPU Quota cannot both be set.'],
    [isByNano && (nano < 1e7 || nano > cpus * 1e9), range],
    [
      period !== 0 && (period < 1_000 || period > 1_000_000),
      'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
    ],
    [quota > 0 && quota < 1_000, 'CPU cfs quota can not be less than 1ms (i.e. 1000)'],
    [shares < 0, `invalid CPU shares (${shares}): value must be a positive integer`],
  )
}

function checkRealtime({ CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0 }: HostConfig, { abilities }: HostFacts): void {
  if (CpuRealtimePeriod === 0 && CpuRealtimeRuntime === 0) return
  if (!abilities.realtime) bad('kernel does not support CPU real-time scheduler')
  if (CpuRealtimeRuntime > (CpuRealtimePeriod || 1_000_000)) {
    bad('cpu real-time runtime cannot be higher than cpu real-time period')
  }
}

/** Numbers like `0-3,8`; every one must be there. */
function checkSet(wanted: string | undefined, available: string, [what, things]: readonly [string, string]): void {
  if (wanted === undefined || wanted === '') return
  const numbers = parseSet(wanted)
  if (numbers === undefined) return bad(`Invalid value ${wanted} for ${what}`)
  const known = parseSet(available)
  if (known === undefined || [...numbers].every(number => known.has(number))) return
  bad(`Requested ${things} are not available - requested ${wanted}, available: ${available}`)
}

export function parseSet(text: string): ReadonlySet<number> | undefined {
  const numbers = new Set<number>()
  for (const part of text.split(',')) {
    const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim()) ?? []
    if (from === '' || Number(to) < Number(from) || Number(to) > CPU_SET_MAX) return undefined
    for (let number = Number(from); number <= Number(to); number++) numbers.add(number)
  }
  return numbers
}

function checkBlockIo(host: HostConfig): void {
  const weights = [host.BlkioWeight ?? 0, ...(host.BlkioWeightDevice ?? []).map(({ Weight }) => Weight)]
  if (weights.some(weight => weight !== 0 && (weight < 10 || weight > 1_000))) {
    bad('Range of blkio weight is from 10 to 1000')
  }
  const rates = [host.BlkioDeviceReadBps, host.BlkioDeviceWriteBps, host.BlkioDeviceReadIOps, host.BlkioDeviceWriteIOps]
  for (const { Path, Rate } of rates.flatMap(list => list ?? [])) {
    if (!(Rate >= 0)) bad(`invalid rate for device: ${Path}: it must be a positive integer`)
  }
}

/** What Docker warns of instead of refusing it: limits that this kernel does not have are left out. */
export function resourceWarnings(host: HostConfig, { abilities }: HostFacts): string[] {
  const lacks = (isAsked: boolean, can: boolean, warning: string): string[] => (isAsked && !can ? [warning] : [])
  const memory = (host.Memory ?? 0) > 0
  const unlimited = host.OomKillDisable === true && abilities.oomControl && !memory
  const weight = (host.BlkioWeight ?? 0) > 0 || (host.BlkioWeightDevice ?? []).length > 0
  const kernel = 'Your kernel does not support'
  const unmounted = 'or the cgroup is not mounted'
  return [
    ...lacks(memory, abilities.memory, `${kernel} memory limit capabilities ${unmounted}. Limitation discarded.`),
    ...lacks(memory, abilities.swap, `${kernel} swap limit capabilities ${unmounted}. Memory limited without swap.`),
    ...lacks(
      (host.MemorySwappiness ?? -1) >= 0,
      abilities.swappiness,
      `${kernel} memory swappiness capabilities ${unmounted}. Memory swappiness discarded.`,
    ),
    ...lacks(host.OomKillDisable === true, abilities.oomControl, `${kernel} OomKillDisable. OomKillDisable discarded.`),
    ...(unlimited
      ? [
          'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
        ]
      : []),
    ...lacks(
      (host.PidsLimit ?? 0) > 0,
      abilities.pids,
      `${kernel} PIDs limit capabilities ${unmounted}. PIDs limit discarded.`,
    ),
    ...lacks((host.CpuShares ?? 0) > 0, abilities.cpu, `${kernel} CPU shares ${unmounted}. Shares discarded.`),
    ...lacks(weight, abilities.blockIoWeight, `${kernel} Block I/O weight ${unmounted}. Weight discarded.`),
  ]
}
