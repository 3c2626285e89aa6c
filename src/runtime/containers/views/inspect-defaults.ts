import { type ContainerConfig, EMPTY_CONFIG, type HostConfig } from '../../../docker-api/index.ts'
import { systemPathsOf } from '../spec/system-paths.ts'

/**
 * What `GET /containers/{id}/json` says about fields that nobody set. Clients in typed languages tell an absent list from
 * an empty one, so these are exactly Docker's. Source: Docker Engine 20.10, by looking.
 */
const HOST_DEFAULTS: HostConfig = {
  Binds: null,
  ContainerIDFile: '',
  PortBindings: null,
  AutoRemove: false,
  VolumeDriver: '',
  VolumesFrom: null,
  CapAdd: null,
  CapDrop: null,
  Dns: null,
  DnsOptions: null,
  DnsSearch: null,
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: 'private',
  Cgroup: '',
  Links: null,
  OomScoreAdj: 0,
  PidMode: '',
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: '',
  UsernsMode: '',
  Runtime: 'runc',
  ConsoleSize: [0, 0],
  Isolation: '',
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: '',
  BlkioWeight: 0,
  BlkioWeightDevice: null,
  BlkioDeviceReadBps: null,
  BlkioDeviceWriteBps: null,
  BlkioDeviceReadIOps: null,
  BlkioDeviceWriteIOps: null,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: '',
  CpusetMems: '',
  Devices: null,
  DeviceCgroupRules: null,
  DeviceRequests: null,
  KernelMemory: 0,
  KernelMemoryTCP: 0,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: false,
  PidsLimit: null,
  Ulimits: null,
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
}

/** Fields that Docker leaves out while they are empty. */
const LEFT_OUT_WHEN_EMPTY = ['ExposedPorts', 'Healthcheck', 'MacAddress', 'Shell', 'StopSignal', 'StopTimeout'] as const

export function fullConfig(config: ContainerConfig): ContainerConfig {
  const full: Record<string, unknown> = { ...EMPTY_CONFIG, ...config }
  if (isEmpty(config.Volumes)) full['Volumes'] = null
  for (const field of LEFT_OUT_WHEN_EMPTY) if (isEmpty(full[field])) delete full[field]
  return full
}

export function fullHostConfig(host: HostConfig, cgroupVersion: '1' | '2'): HostConfig {
  const { masked, readOnly } = systemPathsOf(host)
  const { Memory: memory = 0 } = host
  return {
    ...HOST_DEFAULTS,
    ...host,
    CgroupnsMode: host.CgroupnsMode || (cgroupVersion === '1' ? 'host' : 'private'),
    // A memory limit alone allows as much swap again.
    MemorySwap: host.MemorySwap || (memory > 0 ? 2 * memory : 0),
    MaskedPaths: host.Privileged === true ? null : masked,
    ReadonlyPaths: host.Privileged === true ? null : readOnly,
    RestartPolicy: { Name: '', MaximumRetryCount: 0, ...host.RestartPolicy },
  }
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === '' ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  )
}
