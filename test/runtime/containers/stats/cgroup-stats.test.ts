import { describe, expect, it } from 'vitest'
import { statsOfV1, statsOfV2 } from '../../../../src/runtime/containers/stats/cgroup-stats.ts'
import { parseNetworkStats } from '../../../../src/runtime/containers/stats/network-stats.ts'
import { parseSystemCpu } from '../../../../src/runtime/containers/stats/take-sample.ts'

const GIB = 2 ** 30
const UNLIMITED_V1 = '9223372036854771712\n'

describe('statistics of a control group', () => {
  it('reads the files of v1', () => {
    const files = {
      'cpuacct.usage': '17430414\n',
      'cpuacct.usage_percpu': '4298098 13132316 \n',
      'cpuacct.stat': 'user 3\nsystem 2\n',
      'cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 500\n',
      'memory.usage_in_bytes': '503808\n',
      'memory.max_usage_in_bytes': '4354048\n',
      'memory.failcnt': '0\n',
      'memory.limit_in_bytes': UNLIMITED_V1,
      'memory.stat': 'cache 0\nrss 53248\nshmem 7\nhierarchical_memory_limit 67108864\ntotal_cache 4096\n',
      'pids.current': '3\n',
      'pids.max': '50\n',
      'blkio.throttle.io_service_bytes_recursive': '8:0 Read 4096\n8:0 Write 0\nTotal 4096\n',
      'blkio.throttle.io_serviced_recursive': '',
    }
    const stats = statsOfV1(files, GIB)
    expect(stats.cpu).toEqual({
      cpu_usage: {
        total_usage: 17430414,
        percpu_usage: [4298098, 13132316],
        usage_in_kernelmode: 2e7,
        usage_in_usermode: 3e7,
      },
      throttling_data: { periods: 10, throttled_periods: 4, throttled_time: 500 },
    })
    // The machine's memory where there is no limit; a count of 0 is left out; lines that Docker does not pass on too.
    expect(stats.memory).toEqual({
      usage: 503808,
      max_usage: 4354048,
      limit: GIB,
      stats: { cache: 0, rss: 53248, hierarchical_memory_limit: 67108864, total_cache: 4096 },
    })
    expect(stats.pids).toEqual({ current: 3, limit: 50 })
    expect(stats.blkio).toMatchObject({
      io_service_bytes_recursive: [
        { major: 8, minor: 0, op: 'Read', value: 4096 },
        { major: 8, minor: 0, op: 'Write', value: 0 },
      ],
      io_serviced_recursive: [],
      sectors_recursive: [],
    })
  })

  it('reads the files of v2', () => {
    const files = {
      'cpu.stat': 'usage_usec 17\nuser_usec 10\nsystem_usec 7\nnr_periods 2\nnr_throttled 1\nthrottled_usec 5\n',
      'memory.current': '4096\n',
      'memory.max': 'max\n',
      'memory.stat': 'anon 1024\nfile 2048\n',
      'memory.events': 'low 0\nhigh 0\nmax 9\noom 0\n',
      'pids.current': '1\n',
      'pids.max': 'max\n',
      'io.stat': '8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n',
    }
    expect(statsOfV2(files, GIB)).toEqual({
      cpu: {
        cpu_usage: { total_usage: 17_000, usage_in_kernelmode: 7_000, usage_in_usermode: 10_000 },
        throttling_data: { periods: 2, throttled_periods: 1, throttled_time: 5_000 },
      },
      memory: { usage: 4096, stats: { anon: 1024, file: 2048 }, failcnt: 9, limit: GIB },
      pids: { current: 1 },
      blkio: {
        io_service_bytes_recursive: [
          { major: 8, minor: 16, op: 'read', value: 1459200 },
          { major: 8, minor: 16, op: 'write', value: 314773504 },
        ],
        io_serviced_recursive: null,
        io_queue_recursive: null,
        io_service_time_recursive: null,
        io_wait_time_recursive: null,
        io_merged_recursive: null,
        io_time_recursive: null,
        sectors_recursive: null,
      },
    })
  })

  it.each([
    ['v1', statsOfV1],
    ['v2', statsOfV2],
  ] as const)('takes missing files of %s for nothing used', (_version, read) => {
    const stats = read({}, GIB)
    expect(stats.cpu.cpu_usage.total_usage).toBe(0)
    expect(stats.memory).toMatchObject({ limit: GIB })
    expect(stats.pids).toEqual({})
  })

  it('counts what interfaces carry, the loopback apart', () => {
    const text = [
      'Inter-|   Receive                                                |  Transmit',
      ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier',
      '    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0',
      '  eth0: 1234567     890    1    2    0     0          0         0    76543     210    3    4    0     0       0',
    ].join('\n')
    expect(parseNetworkStats(text)).toEqual({
      eth0: {
        rx_bytes: 1234567,
        rx_packets: 890,
        rx_errors: 1,
        rx_dropped: 2,
        tx_bytes: 76543,
        tx_packets: 210,
        tx_errors: 3,
        tx_dropped: 4,
      },
    })
    expect(parseNetworkStats(text.split('\n').slice(0, 3).join('\n'))).toBeUndefined()
    expect(parseNetworkStats('')).toBeUndefined()
  })

  it('adds up what processors did', () => {
    const stat = 'cpu  10 1 5 100 2 1 1 50 0 0\ncpu0 5 0 2 50 1 1 0 25 0 0\ncpu1 5 1 3 50 1 0 1 25 0 0\nintr 5\n'
    expect(parseSystemCpu(stat)).toEqual({ system_cpu_usage: 120 * 1e7, online_cpus: 2 })
  })
})
