import { expect, it } from 'vitest'
import { toServiceRequest } from '../../../src/docker-api/index.ts'
import { convert } from './convert.ts'

/** What the engine is asked for, of a service with these lines. */
function requestOf(lines: string) {
  const body = lines
    .trim()
    .split('\n')
    .map(line => `    ${line}`)
    .join('\n')
  const { spec, warnings } = convert(`services:\n  web:\n    image: a\n${body}\nvolumes: {v: {}}\n`)
  const [service] = spec.services
  if (service === undefined) throw new Error('no service')
  return { service, warnings, request: toServiceRequest(service, text => text) }
}

it.each<[string, object]>([
  ['cpu_shares: 512', { CpuShares: 512 }],
  ['cpu_quota: 5000', { CpuQuota: 5_000 }],
  ['cpu_period: 100000', { CpuPeriod: 100_000 }],
  ['cpu_rt_runtime: 400', { CpuRealtimeRuntime: 400 }],
  ['cpu_rt_period: 11000', { CpuRealtimePeriod: 11_000 }],
  ['cpuset: 0,1', { CpusetCpus: '0,1' }],
  ['memswap_limit: 1g', { MemorySwap: 1024 ** 3 }],
  ['memswap_limit: -1', { MemorySwap: -1 }],
  ['mem_swappiness: 0', { MemorySwappiness: 0 }],
  ['oom_score_adj: -500', { OomScoreAdj: -500 }],
  ['oom_kill_disable: true', { OomKillDisable: true }],
  ['cgroup_parent: /batch', { CgroupParent: '/batch' }],
  ['cgroup: host', { CgroupnsMode: 'host' }],
  ['ipc: shareable', { IpcMode: 'shareable' }],
  ['pid: host', { PidMode: 'host' }],
  ['uts: host', { UTSMode: 'host' }],
  ['userns_mode: host', { UsernsMode: 'host' }],
  ['runtime: runc', { Runtime: 'runc' }],
  ['security_opt: ["no-new-privileges:true"]', { SecurityOpt: ['no-new-privileges:true'] }],
  ['group_add: [7, audio]', { GroupAdd: ['7', 'audio'] }],
  ['dns_search: example.org', { DnsSearch: ['example.org'] }],
  ['dns_opt: ["ndots:1"]', { DnsOptions: ['ndots:1'] }],
  ['annotations: {com.example.A: b}', { Annotations: { 'com.example.A': 'b' } }],
  ['device_cgroup_rules: ["c 1:3 rwm"]', { DeviceCgroupRules: ['c 1:3 rwm'] }],
  [
    'devices: ["/dev/a:/dev/b:r", /dev/c]',
    {
      Devices: [
        { PathOnHost: '/dev/a', PathInContainer: '/dev/b', CgroupPermissions: 'r' },
        { PathOnHost: '/dev/c', PathInContainer: '/dev/c', CgroupPermissions: 'rwm' },
      ],
    },
  ],
  [
    'blkio_config: {weight: 300, weight_device: [{path: /dev/a, weight: 400}], device_read_bps: [{path: /dev/a, rate: 12mb}], device_write_iops: [{path: /dev/b, rate: 30}]}',
    {
      BlkioWeight: 300,
      BlkioWeightDevice: [{ Path: '/dev/a', Weight: 400 }],
      BlkioDeviceReadBps: [{ Path: '/dev/a', Rate: 12 * 1024 ** 2 }],
      BlkioDeviceWriteIOps: [{ Path: '/dev/b', Rate: 30 }],
    },
  ],
  ['gpus: all', { DeviceRequests: [{ Capabilities: [['gpu']], Count: -1 }] }],
  [
    'gpus: [{driver: nvidia, device_ids: ["0"], options: {own: Key}}]',
    { DeviceRequests: [{ Driver: 'nvidia', DeviceIDs: ['0'], Capabilities: [['gpu']], Options: { own: 'Key' } }] },
  ],
  [
    'deploy: {resources: {reservations: {devices: [{capabilities: [gpu, utility], count: 2}]}}}',
    { DeviceRequests: [{ Capabilities: [['gpu', 'utility']], Count: 2 }] },
  ],
  ['tmpfs: ["/run:mode=1777,size=64m"]', { Tmpfs: { '/run': 'mode=1777,size=64m' } }],
  [
    'volumes: [{type: volume, source: v, target: /v, volume: {nocopy: true, subpath: a/b, labels: {l: m}}}]',
    {
      Mounts: [
        {
          Type: 'volume',
          Source: 'shop_v',
          Target: '/v',
          VolumeOptions: { NoCopy: true, Subpath: 'a/b', Labels: { l: 'm' } },
        },
      ],
    },
  ],
  [
    'volumes: [{type: bind, source: /a, target: /b, bind: {propagation: rslave, recursive: disabled}}]',
    {
      Mounts: [
        { Type: 'bind', Source: '/a', Target: '/b', BindOptions: { Propagation: 'rslave', NonRecursive: true } },
      ],
    },
  ],
  [
    'volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 01777}}]',
    { Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 1024 ** 2, Mode: 0o1777 } }] },
  ],
])('%s reaches the engine', (lines, expected) => {
  const { request, warnings } = requestOf(lines)
  expect(request.HostConfig).toMatchObject(expected)
  expect(warnings).toEqual([])
})

it('makes a directory for a bind mount in short form, as docker does', () => {
  const { request } = requestOf('volumes: ["/srv/data:/data"]')
  expect(request.HostConfig?.Mounts).toEqual([
    { Type: 'bind', Source: '/srv/data', Target: '/data', BindOptions: { CreateMountpoint: true } },
  ])
})

it('exposes ports, ranges too, without publishing them', () => {
  const { request, service } = requestOf('expose: [80, "53/udp", "3000-3001"]')
  expect(Object.keys(request.ExposedPorts ?? {}).sort()).toEqual(['3000/tcp', '3001/tcp', '53/udp', '80/tcp'])
  expect(service.ports).toEqual([])
})

it('joins the network with the highest priority first: it leads out', () => {
  const { spec } = convert(`
services: {web: {image: a, networks: {back: {}, front: {priority: 10}, out: {gw_priority: 1}}}}
networks: {back: {}, front: {}, out: {}}
`)
  expect(spec.services[0]?.networks.map(({ network }) => network)).toEqual(['shop_out', 'shop_front', 'shop_back'])
})

it.each([
  ['pull_policy: always', 'always'],
  ['pull_policy: never', 'never'],
  ['pull_policy: missing', undefined],
])('%s', (line, expected) => {
  expect(requestOf(line).service.container.pullPolicy).toBe(expected)
})
