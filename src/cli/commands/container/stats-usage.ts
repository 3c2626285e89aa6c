/** A sample of `GET /containers/{id}/stats`, as far as it is shown. */
export interface Sample {
  readonly id?: string
  readonly name?: string
  readonly cpu_stats: CpuSample
  readonly precpu_stats?: CpuSample
  readonly memory_stats: {
    readonly usage?: number
    readonly limit?: number
    readonly stats?: Readonly<Record<string, number>>
  }
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>> | null
  readonly blkio_stats?: {
    readonly io_service_bytes_recursive?: readonly { readonly op: string; readonly value: number }[] | null
  }
  readonly pids_stats?: { readonly current?: number }
}

interface CpuSample {
  readonly cpu_usage: { readonly total_usage: number; readonly percpu_usage?: readonly number[] | null }
  readonly system_cpu_usage?: number
  readonly online_cpus?: number
}

export interface Usage {
  readonly cpuPercent: number
  readonly memoryBytes: number
  readonly memoryLimit: number
  readonly memoryPercent: number
  readonly received: number
  readonly sent: number
  readonly read: number
  readonly written: number
  readonly pids: number
}

/** What docker shows of a sample: the CPU since the one before, memory without what the kernel can take back. */
export function usageOf(sample: Sample): Usage {
  const { memory_stats: memory, networks, pids_stats: pids } = sample
  const memoryBytes = memoryInUse(memory)
  const memoryLimit = memory.limit ?? 0
  const cards = Object.values(networks ?? {})
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  const blocks = sample.blkio_stats?.io_service_bytes_recursive ?? []
  const blocksOf = (letter: string): number =>
    sum(blocks.filter(({ op }) => op.toLowerCase().startsWith(letter)).map(({ value }) => value))
  return {
    cpuPercent: cpuPercent(sample),
    memoryBytes,
    memoryLimit,
    memoryPercent: memoryLimit === 0 ? 0 : (memoryBytes / memoryLimit) * 100,
    received: sum(cards.map(card => card.rx_bytes)),
    sent: sum(cards.map(card => card.tx_bytes)),
    read: blocksOf('r'),
    written: blocksOf('w'),
    pids: pids?.current ?? 0,
  }
}

function cpuPercent({ cpu_stats: now, precpu_stats: before }: Sample): number {
  const used = now.cpu_usage.total_usage - (before?.cpu_usage.total_usage ?? 0)
  const passed = (now.system_cpu_usage ?? 0) - (before?.system_cpu_usage ?? 0)
  const cpus = now.online_cpus ?? (now.cpu_usage.percpu_usage ?? []).length
  return used > 0 && passed > 0 ? (used / passed) * cpus * 100 : 0
}

/** Cached files do not count: `total_inactive_file` is cgroup 1's name of them, `inactive_file` cgroup 2's. */
function memoryInUse({ usage = 0, stats = {} }: Sample['memory_stats']): number {
  for (const name of ['total_inactive_file', 'inactive_file']) {
    const cached = stats[name]
    if (cached !== undefined && cached < usage) return usage - cached
  }
  return usage
}
