import type { BlkioStats, CpuStats, MemoryStats } from '../../../docker-api/index.ts'
import { blkioOfV1, blkioOfV2 } from './blkio.ts'
import { numberIn, numbersByName } from './parse.ts'

/** What the files of a control group say, in docker's shape. */
export interface CgroupStats {
  readonly cpu: Pick<CpuStats, 'cpu_usage' | 'throttling_data'>
  readonly memory: MemoryStats
  readonly blkio: BlkioStats
  readonly pids: { readonly current?: number; readonly limit?: number }
}

/** Files of a control group and what they hold; a file that the kernel does not have is absent. */
export type CgroupFiles = Readonly<Record<string, string | undefined>>

/** Controller -> its files. Source: the kernel's documentation of cgroup v1. */
export const V1_FILES = {
  cpuacct: ['cpuacct.usage', 'cpuacct.usage_percpu', 'cpuacct.stat'],
  cpu: ['cpu.stat'],
  memory: [
    'memory.usage_in_bytes',
    'memory.max_usage_in_bytes',
    'memory.failcnt',
    'memory.limit_in_bytes',
    'memory.stat',
  ],
  pids: ['pids.current', 'pids.max'],
  blkio: ['blkio.throttle.io_service_bytes_recursive', 'blkio.throttle.io_serviced_recursive'],
} as const

export const V2_FILES = [
  'cpu.stat',
  'memory.current',
  'memory.max',
  'memory.stat',
  'memory.events',
  'pids.current',
  'pids.max',
  'io.stat',
] as const

/** USER_HZ, which the kernel never changes for user space, as nanoseconds. */
const TICK_NS = 1e7

/** The lines of memory.stat that Docker passes on; each has a `total_` one too. */
const V1_MEMORY = [
  'cache',
  'rss',
  'rss_huge',
  'mapped_file',
  'dirty',
  'writeback',
  'pgpgin',
  'pgpgout',
  'pgfault',
  'pgmajfault',
  'inactive_anon',
  'active_anon',
  'inactive_file',
  'active_file',
  'unevictable',
]
const V1_MEMORY_LIMITS = ['hierarchical_memory_limit', 'hierarchical_memsw_limit']

export function statsOfV1(files: CgroupFiles, machineBytes: number): CgroupStats {
  const cpu = numbersByName(files['cpuacct.stat'])
  const throttling = numbersByName(files['cpu.stat'])
  const memory = numbersByName(files['memory.stat'])
  const wanted = [...V1_MEMORY, ...V1_MEMORY.map(name => `total_${name}`), ...V1_MEMORY_LIMITS]
  return {
    cpu: {
      cpu_usage: {
        total_usage: numberIn(files['cpuacct.usage']) ?? 0,
        percpu_usage: (files['cpuacct.usage_percpu'] ?? '').trim().split(/\s+/).map(Number),
        usage_in_kernelmode: (cpu['system'] ?? 0) * TICK_NS,
        usage_in_usermode: (cpu['user'] ?? 0) * TICK_NS,
      },
      throttling_data: {
        periods: throttling['nr_periods'] ?? 0,
        throttled_periods: throttling['nr_throttled'] ?? 0,
        throttled_time: throttling['throttled_time'] ?? 0,
      },
    },
    memory: memoryOf({
      usage: numberIn(files['memory.usage_in_bytes']),
      max_usage: numberIn(files['memory.max_usage_in_bytes']),
      stats: Object.fromEntries(wanted.flatMap(name => (memory[name] === undefined ? [] : [[name, memory[name]]]))),
      failcnt: numberIn(files['memory.failcnt']),
      limit: Math.min(machineBytes, numberIn(files['memory.limit_in_bytes']) ?? machineBytes),
    }),
    blkio: blkioOfV1(files['blkio.throttle.io_service_bytes_recursive'], files['blkio.throttle.io_serviced_recursive']),
    pids: pidsOf(files),
  }
}

export function statsOfV2(files: CgroupFiles, machineBytes: number): CgroupStats {
  const cpu = numbersByName(files['cpu.stat'])
  const us = (name: string): number => (cpu[name] ?? 0) * 1_000
  return {
    cpu: {
      cpu_usage: {
        total_usage: us('usage_usec'),
        usage_in_kernelmode: us('system_usec'),
        usage_in_usermode: us('user_usec'),
      },
      throttling_data: {
        periods: cpu['nr_periods'] ?? 0,
        throttled_periods: cpu['nr_throttled'] ?? 0,
        throttled_time: us('throttled_usec'),
      },
    },
    memory: memoryOf({
      usage: numberIn(files['memory.current']),
      stats: numbersByName(files['memory.stat']),
      failcnt: numbersByName(files['memory.events'])['max'],
      limit: Math.min(machineBytes, numberIn(files['memory.max']) ?? machineBytes),
    }),
    blkio: blkioOfV2(files['io.stat']),
    pids: pidsOf(files),
  }
}

/** Without what is not known, and without 0 where Docker leaves that out. */
function memoryOf(fields: { readonly [K in keyof MemoryStats]: MemoryStats[K] | undefined }): MemoryStats {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== 0))
}

function pidsOf(files: CgroupFiles): CgroupStats['pids'] {
  const current = numberIn(files['pids.current'])
  const limit = numberIn(files['pids.max'])
  return { ...(current === undefined ? {} : { current }), ...(limit === undefined ? {} : { limit }) }
}
