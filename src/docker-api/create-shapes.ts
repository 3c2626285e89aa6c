/** `words` is one string or a list of them, `strings` an object of strings, `set` an object whose values mean nothing. */
export type SimpleShape = 'text' | 'texts' | 'words' | 'flag' | 'integer' | 'integers' | 'strings' | 'set'

/** What a value on the wire must be. */
export type Shape =
  | SimpleShape
  | { readonly listOf: Shape }
  | { readonly mapOf: Shape }
  | { readonly fields: ShapeTable }
export type ShapeTable = Readonly<Record<string, Shape>>

const DEVICE_WEIGHTS: Shape = { listOf: { fields: { Path: 'text', Weight: 'integer' } } }
const DEVICE_RATES: Shape = { listOf: { fields: { Path: 'text', Rate: 'integer' } } }

const MOUNT = {
  Type: 'text',
  Source: 'text',
  Target: 'text',
  ReadOnly: 'flag',
  Consistency: 'text',
  BindOptions: {
    fields: {
      Propagation: 'text',
      NonRecursive: 'flag',
      CreateMountpoint: 'flag',
      ReadOnlyNonRecursive: 'flag',
      ReadOnlyForceRecursive: 'flag',
    },
  },
  VolumeOptions: {
    fields: {
      NoCopy: 'flag',
      Labels: 'strings',
      Subpath: 'text',
      DriverConfig: { fields: { Name: 'text', Options: 'strings' } },
    },
  },
  TmpfsOptions: { fields: { SizeBytes: 'integer', Mode: 'integer', Options: { listOf: 'texts' } } },
  ClusterOptions: { fields: {} },
} as const satisfies ShapeTable

/** What cgroups and devices of a container can be set to, at its creation and, for most of it, while it runs. */
const RESOURCES = {
  CpuShares: 'integer',
  Memory: 'integer',
  NanoCpus: 'integer',
  CgroupParent: 'text',
  BlkioWeight: 'integer',
  BlkioWeightDevice: DEVICE_WEIGHTS,
  BlkioDeviceReadBps: DEVICE_RATES,
  BlkioDeviceWriteBps: DEVICE_RATES,
  BlkioDeviceReadIOps: DEVICE_RATES,
  BlkioDeviceWriteIOps: DEVICE_RATES,
  CpuPeriod: 'integer',
  CpuQuota: 'integer',
  CpuRealtimePeriod: 'integer',
  CpuRealtimeRuntime: 'integer',
  CpusetCpus: 'text',
  CpusetMems: 'text',
  Devices: { listOf: { fields: { PathOnHost: 'text', PathInContainer: 'text', CgroupPermissions: 'text' } } },
  DeviceCgroupRules: 'texts',
  DeviceRequests: {
    listOf: {
      fields: {
        Driver: 'text',
        Count: 'integer',
        DeviceIDs: 'texts',
        Capabilities: { listOf: 'texts' },
        Options: 'strings',
      },
    },
  },
  KernelMemory: 'integer',
  KernelMemoryTCP: 'integer',
  MemoryReservation: 'integer',
  MemorySwap: 'integer',
  MemorySwappiness: 'integer',
  OomKillDisable: 'flag',
  PidsLimit: 'integer',
  Ulimits: { listOf: { fields: { Name: 'text', Soft: 'integer', Hard: 'integer' } } },
  CpuCount: 'integer',
  CpuPercent: 'integer',
  IOMaximumIOps: 'integer',
  IOMaximumBandwidth: 'integer',
} as const satisfies ShapeTable

/** Every field of Docker's HostConfig. Source: Docker Engine API 1.47, and what older versions had besides. */
export const HOST_CONFIG_SHAPES = {
  ...RESOURCES,
  Binds: 'texts',
  ContainerIDFile: 'text',
  LogConfig: { fields: { Type: 'text', Config: 'strings' } },
  NetworkMode: 'text',
  PortBindings: { mapOf: { listOf: { fields: { HostIp: 'text', HostPort: 'text' } } } },
  RestartPolicy: { fields: { Name: 'text', MaximumRetryCount: 'integer' } },
  AutoRemove: 'flag',
  VolumeDriver: 'text',
  VolumesFrom: 'texts',
  Mounts: { listOf: { fields: MOUNT } },
  ConsoleSize: 'integers',
  Annotations: 'strings',
  CapAdd: 'words',
  CapDrop: 'words',
  CgroupnsMode: 'text',
  Dns: 'texts',
  DnsOptions: 'texts',
  DnsSearch: 'texts',
  ExtraHosts: 'texts',
  GroupAdd: 'texts',
  IpcMode: 'text',
  Cgroup: 'text',
  Links: 'texts',
  OomScoreAdj: 'integer',
  PidMode: 'text',
  Privileged: 'flag',
  PublishAllPorts: 'flag',
  ReadonlyRootfs: 'flag',
  SecurityOpt: 'texts',
  StorageOpt: 'strings',
  Tmpfs: 'strings',
  UTSMode: 'text',
  UsernsMode: 'text',
  ShmSize: 'integer',
  Sysctls: 'strings',
  Runtime: 'text',
  Isolation: 'text',
  MaskedPaths: 'texts',
  ReadonlyPaths: 'texts',
  Init: 'flag',
} as const satisfies ShapeTable

/** The body of `POST /containers/{id}/update`. */
export const UPDATE_SHAPES = {
  ...RESOURCES,
  RestartPolicy: HOST_CONFIG_SHAPES.RestartPolicy,
} as const satisfies ShapeTable

/** Of a container's end on one network; the second half is what inspect gives back, which clients may send again. */
export const ENDPOINT_SHAPES = {
  IPAMConfig: { fields: { IPv4Address: 'text', IPv6Address: 'text', LinkLocalIPs: 'texts' } },
  Links: 'texts',
  Aliases: 'texts',
  MacAddress: 'text',
  DriverOpts: 'strings',
  NetworkID: 'text',
  EndpointID: 'text',
  Gateway: 'text',
  IPAddress: 'text',
  IPPrefixLen: 'integer',
  IPv6Gateway: 'text',
  GlobalIPv6Address: 'text',
  GlobalIPv6PrefixLen: 'integer',
  DNSNames: 'texts',
} as const satisfies ShapeTable

/** Every field of the body of `POST /containers/create`. */
export const CREATE_SHAPES = {
  Hostname: 'text',
  Domainname: 'text',
  User: 'text',
  AttachStdin: 'flag',
  AttachStdout: 'flag',
  AttachStderr: 'flag',
  ExposedPorts: 'set',
  Tty: 'flag',
  OpenStdin: 'flag',
  StdinOnce: 'flag',
  Env: 'texts',
  Cmd: 'words',
  Healthcheck: {
    fields: {
      Test: 'texts',
      Interval: 'integer',
      Timeout: 'integer',
      StartPeriod: 'integer',
      StartInterval: 'integer',
      Retries: 'integer',
    },
  },
  ArgsEscaped: 'flag',
  Image: 'text',
  Volumes: 'set',
  WorkingDir: 'text',
  Entrypoint: 'words',
  NetworkDisabled: 'flag',
  MacAddress: 'text',
  OnBuild: 'texts',
  Labels: 'strings',
  StopSignal: 'text',
  StopTimeout: 'integer',
  Shell: 'words',
  HostConfig: { fields: HOST_CONFIG_SHAPES },
  NetworkingConfig: { fields: { EndpointsConfig: { mapOf: { fields: ENDPOINT_SHAPES } } } },
} as const satisfies ShapeTable

/** Every field of the body of `POST /containers/{id}/exec`. */
export const EXEC_SHAPES = {
  AttachStdin: 'flag',
  AttachStdout: 'flag',
  AttachStderr: 'flag',
  DetachKeys: 'text',
  Tty: 'flag',
  Env: 'texts',
  Cmd: 'words',
  User: 'text',
  WorkingDir: 'text',
  Privileged: 'flag',
  ConsoleSize: 'integers',
} as const satisfies ShapeTable
