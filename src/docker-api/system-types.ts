/** Wire types of `GET /info` beyond what every engine must say. Field names are the wire's. */

interface IndexConfig {
  readonly Name: string
  readonly Mirrors: readonly string[]
  readonly Secure: boolean
  readonly Official: boolean
}

interface Commit {
  readonly ID: string
  readonly Expected: string
}

/** What an engine can do, and how it is set up. */
export interface EngineFeatures {
  readonly Plugins?: {
    readonly Volume: readonly string[]
    readonly Network: readonly string[]
    readonly Authorization: readonly string[] | null
    readonly Log: readonly string[]
  }
  readonly MemoryLimit?: boolean
  readonly SwapLimit?: boolean
  /** Until API 1.41. */
  readonly KernelMemory?: boolean
  readonly KernelMemoryTCP?: boolean
  readonly CpuCfsPeriod?: boolean
  readonly CpuCfsQuota?: boolean
  readonly CPUShares?: boolean
  readonly CPUSet?: boolean
  readonly PidsLimit?: boolean
  readonly OomKillDisable?: boolean
  readonly IPv4Forwarding?: boolean
  readonly BridgeNfIptables?: boolean
  readonly BridgeNfIp6tables?: boolean
  /** Open files of the engine. */
  readonly NFd?: number
  readonly NGoroutines?: number
  readonly NEventsListener?: number
  readonly OSVersion?: string
  readonly IndexServerAddress?: string
  readonly RegistryConfig?: {
    readonly AllowNondistributableArtifactsCIDRs: readonly string[]
    readonly AllowNondistributableArtifactsHostnames: readonly string[]
    readonly InsecureRegistryCIDRs: readonly string[]
    readonly IndexConfigs: Readonly<Record<string, IndexConfig>>
    readonly Mirrors: readonly string[]
  }
  readonly GenericResources?: null
  readonly HttpProxy?: string
  readonly HttpsProxy?: string
  readonly NoProxy?: string
  readonly Runtimes?: Readonly<Record<string, { readonly path: string }>>
  readonly Swarm?: {
    readonly NodeID: string
    readonly NodeAddr: string
    readonly LocalNodeState: 'inactive'
    readonly ControlAvailable: boolean
    readonly Error: string
    readonly RemoteManagers: null
  }
  readonly LiveRestoreEnabled?: boolean
  readonly Isolation?: string
  readonly InitBinary?: string
  readonly ContainerdCommit?: Commit
  readonly RuncCommit?: Commit
  readonly InitCommit?: Commit
  readonly SecurityOptions?: readonly string[]
  /** Since API 1.44. */
  readonly CDISpecDirs?: readonly string[]
}
