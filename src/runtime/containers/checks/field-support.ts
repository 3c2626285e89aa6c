import { unsupported } from '../../../core/errors.ts'
import type { ContainerCreateRequest, ENDPOINT_SHAPES, HostConfig } from '../../../docker-api/index.ts'
import { isEmpty } from './is-empty.ts'

/** Why a field (or one of its values) is refused, and what does the same. */
export interface Refusal {
  readonly instead: string
  /** Values that mean nothing, and pass; absent: only empty ones. */
  readonly passes?: (value: unknown) => boolean
}

/**
 * What the engine makes of a field of Docker's that is set: `works`; `kept`: it is for clients, images or other systems, and is
 * given back as it came; or it is refused by name.
 */
export type FieldSupport = 'works' | 'kept' | Refusal

const WINDOWS: Refusal = { instead: 'it limits Windows containers; use NanoCpus, or the BlkioDevice limits, here' }

/** Fields of HostConfig. */
export const HOST_FIELD_SUPPORT: Readonly<Record<keyof HostConfig, FieldSupport>> = {
  Annotations: 'works',
  AutoRemove: 'works',
  Binds: 'works',
  BlkioDeviceReadBps: 'works',
  BlkioDeviceReadIOps: 'works',
  BlkioDeviceWriteBps: 'works',
  BlkioDeviceWriteIOps: 'works',
  BlkioWeight: 'works',
  BlkioWeightDevice: 'works',
  CapAdd: 'works',
  CapDrop: 'works',
  Cgroup: { instead: 'joining the control group of another container is not supported: use CgroupParent' },
  CgroupParent: 'works',
  CgroupnsMode: 'works',
  ConsoleSize: 'works',
  ContainerIDFile: 'kept',
  CpuCount: WINDOWS,
  CpuPercent: WINDOWS,
  CpuPeriod: 'works',
  CpuQuota: 'works',
  CpuRealtimePeriod: 'works',
  CpuRealtimeRuntime: 'works',
  CpuShares: 'works',
  CpusetCpus: 'works',
  CpusetMems: 'works',
  DeviceCgroupRules: 'works',
  DeviceRequests: { instead: 'device drivers (GPUs, CDI) are not supported: name the device files in Devices' },
  Devices: 'works',
  Dns: 'works',
  DnsOptions: 'works',
  DnsSearch: 'works',
  ExtraHosts: 'works',
  GroupAdd: 'works',
  IOMaximumBandwidth: WINDOWS,
  IOMaximumIOps: WINDOWS,
  Init: 'works',
  IpcMode: 'works',
  Isolation: {
    instead: 'Linux has no isolation but the default one: leave it out',
    passes: value => value === 'default',
  },
  KernelMemory: { instead: 'kernels no longer limit their own memory apart: use Memory' },
  KernelMemoryTCP: { instead: 'runtimes no longer limit it: use Memory' },
  Links: 'works',
  LogConfig: 'works',
  MaskedPaths: 'works',
  Memory: 'works',
  MemoryReservation: 'works',
  MemorySwap: 'works',
  MemorySwappiness: 'works',
  Mounts: 'works',
  NanoCpus: 'works',
  NetworkMode: 'works',
  OomKillDisable: 'works',
  OomScoreAdj: 'works',
  PidMode: 'works',
  PidsLimit: 'works',
  PortBindings: 'works',
  Privileged: 'works',
  PublishAllPorts: 'works',
  ReadonlyPaths: 'works',
  ReadonlyRootfs: 'works',
  RestartPolicy: 'works',
  Runtime: 'works',
  SecurityOpt: 'works',
  ShmSize: 'works',
  StorageOpt: {
    instead: 'writable layers have no quota of their own: put what may grow into a volume of a limited size',
  },
  Sysctls: 'works',
  Tmpfs: 'works',
  UTSMode: 'works',
  Ulimits: 'works',
  UsernsMode: 'works',
  VolumeDriver: { instead: 'volumes have the driver "local": leave it out', passes: value => value === 'local' },
  VolumesFrom: 'works',
}

/** Fields of the container itself. */
export const CONFIG_FIELD_SUPPORT: Readonly<Record<keyof ContainerCreateRequest, FieldSupport>> = {
  ArgsEscaped: 'kept',
  AttachStderr: 'kept',
  AttachStdin: 'kept',
  AttachStdout: 'kept',
  Cmd: 'works',
  Domainname: 'works',
  Entrypoint: 'works',
  Env: 'works',
  ExposedPorts: 'works',
  Healthcheck: 'works',
  HostConfig: 'works',
  Hostname: 'works',
  Image: 'works',
  Labels: 'works',
  MacAddress: 'works',
  NetworkDisabled: 'works',
  NetworkingConfig: 'works',
  OnBuild: 'kept',
  OpenStdin: 'works',
  Shell: 'works',
  StdinOnce: 'works',
  StopSignal: 'works',
  StopTimeout: 'works',
  Tty: 'works',
  User: 'works',
  Volumes: 'works',
  WorkingDir: 'works',
}

/** Fields of NetworkingConfig.EndpointsConfig; those kept are what inspect tells of an endpoint, and are made anew. */
export const ENDPOINT_FIELD_SUPPORT: Readonly<Record<keyof typeof ENDPOINT_SHAPES, FieldSupport>> = {
  Aliases: 'works',
  DNSNames: 'kept',
  DriverOpts: 'works',
  EndpointID: 'kept',
  Gateway: 'kept',
  GlobalIPv6Address: 'kept',
  GlobalIPv6PrefixLen: 'kept',
  IPAMConfig: 'works',
  IPAddress: 'kept',
  IPPrefixLen: 'kept',
  IPv6Gateway: 'kept',
  Links: 'works',
  MacAddress: 'works',
  NetworkID: 'kept',
}

/** Throws 501 naming the first field that is set and not supported. Fields that Docker does not know pass, as with Docker. */
export function refuseUnsupported(host: HostConfig): void {
  for (const [field, value] of Object.entries(host)) {
    const support = Object.hasOwn(HOST_FIELD_SUPPORT, field) ? HOST_FIELD_SUPPORT[field as keyof HostConfig] : 'kept'
    if (typeof support === 'string' || isEmpty(value) || support.passes?.(value) === true) continue
    throw unsupported('HOST_CONFIG_UNSUPPORTED', `HostConfig.${field} is not supported: ${support.instead}`)
  }
}
