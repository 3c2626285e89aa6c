import { readFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import type { ContainerStats, CpuStats } from '../../../docker-api/index.ts'
import { cgroupPath } from '../life/bundle.ts'
import type { ContainerRecord } from '../record.ts'
import { isRunning } from '../record.ts'
import type { Room } from '../room.ts'
import { NO_BLKIO } from './blkio.ts'
import { type CgroupFiles, type CgroupStats, statsOfV1, statsOfV2, V1_FILES, V2_FILES } from './cgroup-stats.ts'
import { parseNetworkStats } from './network-stats.ts'

/** Docker's "never". */
const NEVER = '0001-01-01T00:00:00Z'
const NS = 1e9
const TICKS_PER_SECOND = 100
/** user, nice, system, idle, iowait, irq and softirq, as Docker adds them up. */
const COUNTED_STATES = 7

/** Processor times of nothing. */
export const NO_CPU: CpuStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
}

/** A sample without what it is compared to. */
export type Sample = Omit<ContainerStats, 'preread' | 'precpu_stats'>

/** Measures a container now; one that does not run uses nothing. */
export async function takeSample(room: Room, record: ContainerRecord): Promise<Sample> {
  const named = { num_procs: 0, storage_stats: {}, name: `/${record.name}`, id: record.id }
  const stats = isRunning(record) ? await readCgroup(room, record) : undefined
  if (stats === undefined || !isRunning(record)) {
    return { ...named, read: NEVER, pids_stats: {}, blkio_stats: NO_BLKIO, cpu_stats: NO_CPU, memory_stats: {} }
  }
  const [system, network] = await Promise.all([
    readFile('/proc/stat', 'utf8'),
    record.networkMode === 'host' ? '' : readIfThere(`/proc/${record.life.process.pid}/net/dev`),
  ])
  const networks = parseNetworkStats(network ?? '')
  return {
    ...named,
    read: new Date(room.clock.nowMs()).toISOString(),
    pids_stats: stats.pids,
    blkio_stats: stats.blkio,
    cpu_stats: { ...stats.cpu, ...parseSystemCpu(system) },
    memory_stats: stats.memory,
    ...(networks === undefined ? {} : { networks }),
  }
}

/** What all processors have done since the boot, in nanoseconds, and how many there are. */
export function parseSystemCpu(stat: string): Pick<Required<CpuStats>, 'system_cpu_usage' | 'online_cpus'> {
  const lines = stat.split('\n')
  const all = lines.find(line => line.startsWith('cpu ')) ?? ''
  const states = all
    .trim()
    .split(/\s+/)
    .slice(1, 1 + COUNTED_STATES)
    .map(Number)
  const ticks = states.reduce((sum, state) => sum + state, 0)
  return {
    system_cpu_usage: (ticks * NS) / TICKS_PER_SECOND,
    online_cpus: lines.filter(line => /^cpu\d/.test(line)).length,
  }
}

/** Undefined if the control group is gone: the container has just ended. */
async function readCgroup(room: Room, record: ContainerRecord): Promise<CgroupStats | undefined> {
  const path = cgroupPath(room, record)
  const { mounts, version } = room.cgroups
  const wanted =
    version === '1' ? Object.entries(V1_FILES) : [...mounts.keys()].slice(0, 1).map(name => [name, V2_FILES] as const)
  const files: Record<string, string> = {}
  await Promise.all(
    wanted.flatMap(([controller, names]) =>
      names.map(async name => {
        const text = await readIfThere(join(mounts.get(controller) ?? '/nowhere', path, name))
        if (text !== undefined) files[name] = text
      }),
    ),
  )
  if (Object.keys(files).length === 0) return undefined
  const read: CgroupFiles = files
  return version === '1' ? statsOfV1(read, totalmem()) : statsOfV2(read, totalmem())
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    // The container may end at any moment, and kernels differ in what they count.
    return undefined
  }
}
