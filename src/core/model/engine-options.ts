/** Of a block device: its weight, or bytes or operations a second. */
export type DeviceLimit = Readonly<Record<'path', string> & Partial<Record<'weight' | 'rate', number>>>

export interface DeviceRequest {
  readonly driver?: string
  /** -1: all there are. */
  readonly count?: number
  readonly deviceIDs?: readonly string[]
  /** Any of these, each all of it. */
  readonly capabilities: readonly (readonly string[])[]
  readonly options?: Readonly<Record<string, string>>
}

/** How a container is made, where the engine alone has a say. Names, units and values are Docker's, in camel case. */
export interface EngineOptions {
  readonly annotations?: Readonly<Record<string, string>>
  readonly blkioWeight?: number
  readonly blkioWeightDevice?: readonly DeviceLimit[]
  readonly blkioDeviceReadBps?: readonly DeviceLimit[]
  readonly blkioDeviceReadIOps?: readonly DeviceLimit[]
  readonly blkioDeviceWriteBps?: readonly DeviceLimit[]
  readonly blkioDeviceWriteIOps?: readonly DeviceLimit[]
  readonly cgroupParent?: string
  readonly cgroupnsMode?: string
  readonly cpuPeriod?: number
  readonly cpuQuota?: number
  readonly cpuRealtimePeriod?: number
  readonly cpuRealtimeRuntime?: number
  readonly cpuShares?: number
  readonly cpusetCpus?: string
  readonly deviceCgroupRules?: readonly string[]
  readonly devices?: readonly {
    readonly pathOnHost: string
    readonly pathInContainer: string
    readonly cgroupPermissions: string
  }[]
  /** GPUs and the like, by what they can do. */
  readonly deviceRequests?: readonly DeviceRequest[]
  readonly dnsOptions?: readonly string[]
  readonly dnsSearch?: readonly string[]
  readonly groupAdd?: readonly string[]
  readonly ipcMode?: string
  /** Bytes of memory and swap together; -1: without limit. */
  readonly memorySwap?: number
  readonly memorySwappiness?: number
  readonly oomKillDisable?: boolean
  readonly oomScoreAdj?: number
  readonly pidMode?: string
  readonly runtime?: string
  readonly securityOpt?: readonly string[]
  /** Options of tmpfs mounts, as mount(8) takes them, by path. */
  readonly tmpfs?: Readonly<Record<string, string>>
  readonly usernsMode?: string
  readonly utsMode?: string
}
