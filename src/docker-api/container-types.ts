/**
 * Wire types of the Docker Engine API (1.41 to 1.47) that Shoal serves and speaks. Field names are the wire's.
 * Source: Docker's published API reference.
 */

export interface PortBinding {
  readonly HostIp?: string
  readonly HostPort?: string
}
export type PortMap = Readonly<Record<string, readonly PortBinding[] | null>>

export interface HealthConfig {
  readonly Test?: readonly string[]
  /** Nanoseconds, as every duration here. */
  readonly Interval?: number
  readonly Timeout?: number
  readonly StartPeriod?: number
  readonly StartInterval?: number
  readonly Retries?: number
}

export interface ContainerConfig {
  readonly Hostname?: string
  readonly Domainname?: string
  readonly User?: string
  readonly AttachStdin?: boolean
  readonly AttachStdout?: boolean
  readonly AttachStderr?: boolean
  readonly ExposedPorts?: Readonly<Record<string, object>>
  readonly Tty?: boolean
  readonly OpenStdin?: boolean
  readonly StdinOnce?: boolean
  readonly Env?: readonly string[]
  readonly Cmd?: readonly string[] | null
  readonly Entrypoint?: readonly string[] | null
  readonly Image?: string
  readonly Volumes?: Readonly<Record<string, object>> | null
  readonly WorkingDir?: string
  readonly Labels?: Readonly<Record<string, string>>
  readonly StopSignal?: string
  /** Seconds. */
  readonly StopTimeout?: number
  readonly Healthcheck?: HealthConfig
  readonly Shell?: readonly string[] | null
  /** Before API 1.44 the address was given here, and since then at its network. */
  readonly MacAddress?: string
  readonly NetworkDisabled?: boolean
  readonly OnBuild?: readonly string[] | null
  /** Windows only. */
  readonly ArgsEscaped?: boolean
}

export interface RestartPolicy {
  readonly Name?: '' | 'no' | 'always' | 'unless-stopped' | 'on-failure'
  readonly MaximumRetryCount?: number
}

export interface MountRequest {
  readonly Type: 'bind' | 'volume' | 'tmpfs'
  readonly Source?: string
  readonly Target: string
  readonly ReadOnly?: boolean
  /** For other systems: `consistent`, `cached`, `delegated`. */
  readonly Consistency?: string
  readonly BindOptions?: {
    readonly Propagation?: string
    readonly CreateMountpoint?: boolean
    readonly NonRecursive?: boolean
    readonly ReadOnlyNonRecursive?: boolean
    readonly ReadOnlyForceRecursive?: boolean
  }
  readonly VolumeOptions?: {
    readonly NoCopy?: boolean
    readonly Subpath?: string
    readonly Labels?: Readonly<Record<string, string>>
    readonly DriverConfig?: { readonly Name?: string; readonly Options?: Readonly<Record<string, string>> }
  }
  readonly TmpfsOptions?: {
    readonly SizeBytes?: number
    readonly Mode?: number
    readonly Options?: readonly (readonly string[])[]
  }
}

export interface DeviceRequest {
  readonly PathOnHost: string
  readonly PathInContainer?: string
  /** Any of `r`, `w`, `m`. */
  readonly CgroupPermissions?: string
}

/** Weight of a block device. */
export interface DeviceWeight {
  readonly Path: string
  readonly Weight: number
}

/** Bytes or operations a second of a block device. */
export interface DeviceRate {
  readonly Path: string
  readonly Rate: number
}

export interface HostConfig {
  readonly Binds?: readonly string[] | null
  readonly Mounts?: readonly MountRequest[]
  readonly Tmpfs?: Readonly<Record<string, string>>
  readonly NetworkMode?: string
  readonly PortBindings?: PortMap | null
  readonly PublishAllPorts?: boolean
  readonly RestartPolicy?: RestartPolicy
  readonly AutoRemove?: boolean
  readonly Memory?: number
  readonly MemoryReservation?: number
  readonly MemorySwap?: number
  readonly NanoCpus?: number
  readonly CpuShares?: number
  readonly CpuQuota?: number
  readonly CpuPeriod?: number
  readonly CpusetCpus?: string
  readonly PidsLimit?: number | null
  readonly CapAdd?: readonly string[] | null
  readonly CapDrop?: readonly string[] | null
  readonly Privileged?: boolean
  readonly ReadonlyRootfs?: boolean
  readonly Dns?: readonly string[] | null
  readonly DnsOptions?: readonly string[] | null
  readonly DnsSearch?: readonly string[] | null
  readonly ExtraHosts?: readonly string[] | null
  readonly Sysctls?: Readonly<Record<string, string>> | null
  readonly Ulimits?: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[] | null
  readonly ShmSize?: number
  readonly Init?: boolean | null
  readonly CgroupParent?: string
  readonly SecurityOpt?: readonly string[] | null
  readonly LogConfig?: { readonly Type?: string; readonly Config?: Readonly<Record<string, string>> | null }
  readonly OomScoreAdj?: number
  readonly OomKillDisable?: boolean | null
  readonly GroupAdd?: readonly string[] | null
  /** `host`, `container:<id>`, or the container's own; `shareable` and `none` for IPC. */
  readonly PidMode?: string
  readonly IpcMode?: string
  readonly UTSMode?: string
  readonly UsernsMode?: string
  readonly CgroupnsMode?: string
  /** As `--volumes-from`: `<id or name>[:ro|rw]`. */
  readonly VolumesFrom?: readonly string[] | null
  readonly VolumeDriver?: string
  /** As `--link`: `<id or name>[:alias]`. */
  readonly Links?: readonly string[] | null
  readonly Devices?: readonly DeviceRequest[] | null
  /** `c 1:3 rwm`. */
  readonly DeviceCgroupRules?: readonly string[] | null
  readonly DeviceRequests?: readonly object[] | null
  readonly CpusetMems?: string
  readonly CpuRealtimePeriod?: number
  readonly CpuRealtimeRuntime?: number
  readonly MemorySwappiness?: number | null
  readonly KernelMemory?: number
  readonly KernelMemoryTCP?: number
  readonly BlkioWeight?: number
  readonly BlkioWeightDevice?: readonly DeviceWeight[] | null
  readonly BlkioDeviceReadBps?: readonly DeviceRate[] | null
  readonly BlkioDeviceWriteBps?: readonly DeviceRate[] | null
  readonly BlkioDeviceReadIOps?: readonly DeviceRate[] | null
  readonly BlkioDeviceWriteIOps?: readonly DeviceRate[] | null
  /** Null: Docker's defaults; an empty list: none. */
  readonly MaskedPaths?: readonly string[] | null
  readonly ReadonlyPaths?: readonly string[] | null
  readonly StorageOpt?: Readonly<Record<string, string>> | null
  readonly Annotations?: Readonly<Record<string, string>> | null
  readonly Runtime?: string
  readonly Isolation?: string
  readonly ContainerIDFile?: string
  readonly ConsoleSize?: readonly number[]
  readonly Cgroup?: string
  /** Windows only, as the three after it. */
  readonly CpuCount?: number
  readonly CpuPercent?: number
  readonly IOMaximumIOps?: number
  readonly IOMaximumBandwidth?: number
}

/** Addresses a container asks for. */
export interface EndpointAddresses {
  readonly IPv4Address?: string
  readonly IPv6Address?: string
  /** More addresses of the device, such as 169.254.9.9. */
  readonly LinkLocalIPs?: readonly string[] | null
}

export interface EndpointConfig {
  readonly IPAMConfig?: EndpointAddresses | null
  /** Names for other containers of the network that only this one uses: `<name or id>:<alias>`. */
  readonly Links?: readonly string[] | null
  readonly Aliases?: readonly string[] | null
  readonly MacAddress?: string
  readonly DriverOpts?: Readonly<Record<string, string>> | null
}

export interface ContainerCreateRequest extends ContainerConfig {
  readonly HostConfig?: HostConfig
  readonly NetworkingConfig?: { readonly EndpointsConfig?: Readonly<Record<string, EndpointConfig>> | null }
}

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead'

export interface HealthState {
  readonly Status: 'none' | 'starting' | 'healthy' | 'unhealthy'
  readonly FailingStreak: number
  readonly Log: readonly {
    readonly Start: string
    readonly End: string
    readonly ExitCode: number
    readonly Output: string
  }[]
}

export interface ContainerState {
  readonly Status: ContainerStatus
  readonly Running: boolean
  readonly Paused: boolean
  readonly Restarting: boolean
  readonly OOMKilled: boolean
  readonly Dead: boolean
  readonly Pid: number
  readonly ExitCode: number
  readonly Error: string
  readonly StartedAt: string
  readonly FinishedAt: string
  readonly Health?: HealthState
}

export interface EndpointSettings {
  readonly IPAMConfig?: EndpointAddresses | null
  readonly Links?: readonly string[] | null
  readonly Aliases: readonly string[] | null
  readonly MacAddress: string
  readonly DriverOpts?: Readonly<Record<string, string>> | null
  readonly NetworkID: string
  readonly EndpointID: string
  readonly Gateway: string
  readonly IPAddress: string
  readonly IPPrefixLen: number
  readonly IPv6Gateway?: string
  readonly GlobalIPv6Address?: string
  readonly GlobalIPv6PrefixLen?: number
  /** Since API 1.44: every name other containers of the network find this one by. */
  readonly DNSNames?: readonly string[] | null
}

/** `NetworkSettings` of a container. What is said of an address is that of the default network, if it is on that. */
export interface NetworkSettings {
  readonly Bridge?: string
  readonly SandboxID?: string
  readonly SandboxKey: string
  readonly Ports: PortMap
  readonly HairpinMode?: boolean
  readonly LinkLocalIPv6Address?: string
  readonly LinkLocalIPv6PrefixLen?: number
  readonly SecondaryIPAddresses?: null
  readonly SecondaryIPv6Addresses?: null
  readonly EndpointID?: string
  readonly Gateway: string
  readonly GlobalIPv6Address?: string
  readonly GlobalIPv6PrefixLen?: number
  readonly IPAddress: string
  readonly IPPrefixLen?: number
  readonly IPv6Gateway?: string
  readonly MacAddress: string
  readonly Networks: Readonly<Record<string, EndpointSettings>>
}

export interface MountPoint {
  readonly Type: 'bind' | 'volume' | 'tmpfs'
  readonly Name?: string
  readonly Source: string
  readonly Destination: string
  readonly Driver?: string
  readonly Mode: string
  readonly RW: boolean
  readonly Propagation: string
}

export interface ContainerInspect {
  readonly Id: string
  readonly Created: string
  readonly Path: string
  readonly Args: readonly string[]
  readonly State: ContainerState
  /** Image id: the digest of its config. */
  readonly Image: string
  readonly ResolvConfPath: string
  readonly HostnamePath: string
  readonly HostsPath: string
  readonly LogPath: string
  /** With a leading slash. */
  readonly Name: string
  readonly RestartCount: number
  readonly Driver: string
  readonly Platform: string
  readonly MountLabel?: string
  readonly ProcessLabel?: string
  readonly AppArmorProfile?: string
  /** Execs that run in it; null for none. */
  readonly ExecIDs?: readonly string[] | null
  readonly GraphDriver?: { readonly Name: string; readonly Data: Readonly<Record<string, string>> | null }
  readonly HostConfig: HostConfig
  readonly Config: ContainerConfig
  readonly Mounts: readonly MountPoint[]
  readonly NetworkSettings: NetworkSettings
  /** Bytes of the writable layer, and of that and the image; only if asked for. */
  readonly SizeRw?: number
  readonly SizeRootFs?: number
}

export interface PortSummary {
  readonly IP?: string
  readonly PrivatePort: number
  readonly PublicPort?: number
  readonly Type: 'tcp' | 'udp'
}

export interface ContainerSummary {
  readonly Id: string
  readonly Names: readonly string[]
  readonly Image: string
  readonly ImageID: string
  readonly Command: string
  /** Unix seconds. */
  readonly Created: number
  readonly Ports: readonly PortSummary[]
  readonly Labels: Readonly<Record<string, string>>
  readonly State: ContainerStatus
  /** `Up 5 minutes (healthy)`. */
  readonly Status: string
  readonly HostConfig: { readonly NetworkMode: string }
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, EndpointSettings>> }
  readonly Mounts: readonly MountPoint[]
  /** Bytes, as in {@link ContainerInspect}; left out if 0. */
  readonly SizeRw?: number
  readonly SizeRootFs?: number
  /** Only of our own engines, and if it was asked for. */
  readonly Details?: ListedDetails
}

/** What a manager wants to know of every container and Docker's lists leave out: parts of its {@link ContainerInspect}. */
export interface ListedDetails {
  readonly Created: string
  readonly State: Pick<ContainerState, 'Status' | 'StartedAt' | 'FinishedAt' | 'ExitCode'> & {
    readonly Health?: Pick<HealthState, 'Status'>
  }
  readonly HostConfig: Pick<
    HostConfig,
    'NetworkMode' | 'NanoCpus' | 'CpuShares' | 'Memory' | 'MemoryReservation' | 'PortBindings'
  >
  readonly Config: Pick<ContainerInspect['Config'], 'ExposedPorts'>
  readonly NetworkSettings: Pick<ContainerInspect['NetworkSettings'], 'Ports'>
}

export interface ExecCreateRequest {
  readonly AttachStdin?: boolean
  readonly AttachStdout?: boolean
  readonly AttachStderr?: boolean
  readonly Tty?: boolean
  readonly Env?: readonly string[]
  readonly Cmd: readonly string[]
  readonly User?: string
  readonly WorkingDir?: string
  readonly Privileged?: boolean
  /** Keys with which a client leaves the command's terminal: `ctrl-p,ctrl-q` unless given. */
  readonly DetachKeys?: string
  /** Height and width of the command's terminal. */
  readonly ConsoleSize?: readonly number[]
}

export interface ExecInspect {
  readonly ID: string
  readonly ContainerID: string
  readonly Running: boolean
  readonly ExitCode: number | null
  readonly Pid: number
  readonly OpenStdin: boolean
  readonly OpenStdout: boolean
  readonly OpenStderr: boolean
  readonly ProcessConfig: {
    readonly entrypoint: string
    readonly arguments: readonly string[]
    readonly tty: boolean
    readonly privileged?: boolean
    readonly user?: string
  }
  readonly CanRemove?: boolean
  /** Codes of the keys, in base64. */
  readonly DetachKeys?: string
}
