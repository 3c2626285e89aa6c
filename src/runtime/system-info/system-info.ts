import type { Clock } from '../../core/clock.ts'
import { API_VERSION, API_VERSION_MIN, type SystemInfo, type VersionInfo } from '../../docker-api/index.ts'
import type { ContainerDefaults, Containers } from '../containers/index.ts'
import type { EventBus } from '../events/index.ts'
import { describeHost, type HostDescription, type HostState, readHostState } from './host-facts.ts'
import { INDEX_SERVER, registryConfig } from './registry-config.ts'

export interface SystemFacts {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly dataRoot: string
  readonly options: {
    readonly containerDefaults?: ContainerDefaults
    readonly addressPools?: readonly { readonly base: string; readonly size: number }[]
  }
  /** What may change while the engine serves. */
  readonly live: () => {
    readonly labels: readonly string[]
    readonly insecureRegistries: readonly string[]
    readonly registryMirrors: readonly string[]
    readonly debug?: boolean
  }
  readonly containers: Containers
  readonly events: EventBus
  readonly countImages: () => Promise<number>
  readonly clock: Clock
}

const NO_COMMIT = { ID: 'N/A', Expected: 'N/A' }

/** `GET /info` and `GET /version`. What does not change is read once. */
export function createSystemInfo(facts: SystemFacts): {
  readonly info: () => Promise<SystemInfo>
  readonly version: () => Promise<VersionInfo>
} {
  let described: Promise<HostDescription> | undefined
  const host = (): Promise<HostDescription> => {
    described ??= describeHost(facts.dataRoot).catch((error: unknown) => {
      described = undefined
      throw error
    })
    return described
  }
  return {
    info: async () => {
      const [description, state, images, programs] = await Promise.all([
        host(),
        readHostState(),
        facts.countImages(),
        facts.containers.versions(),
      ])
      return {
        ...identity(facts, images),
        ...resources(facts, state),
        ...setUp(facts, description),
        RuncCommit: { ID: programs.runtime, Expected: programs.runtime },
        ...limits(facts),
      }
    },
    version: async () => versionInfo(facts, await host()),
  }
}

function identity({ id, containers, ...facts }: SystemFacts, images: number) {
  const { running, paused, stopped } = containers.counts()
  return {
    ID: id,
    Name: facts.name,
    ServerVersion: facts.version,
    Containers: running + paused + stopped,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: stopped,
    Images: images,
    Labels: facts.live().labels,
    DockerRootDir: facts.dataRoot,
    SystemTime: new Date(facts.clock.nowMs()).toISOString(),
    ExperimentalBuild: false,
    Debug: facts.live().debug === true,
  }
}

function resources({ events }: SystemFacts, state: HostState) {
  return {
    IPv4Forwarding: state.ipv4Forwarding,
    BridgeNfIptables: state.bridgeFilterIpv4,
    BridgeNfIp6tables: state.bridgeFilterIpv6,
    NFd: state.openFiles,
    NGoroutines: 0,
    NEventsListener: events.listeners,
  }
}

function setUp({ live, options, containers }: SystemFacts, host: HostDescription) {
  const { version, hybrid } = containers.cgroups
  const { runtime } = containers.programs
  const { containerDefaults = {}, addressPools = [] } = options
  return {
    Driver: 'overlay2',
    DriverStatus: [
      ['Backing Filesystem', host.fileSystem],
      ['Supports d_type', 'true'],
      ['Cgroup Layout', hybrid ? 'hybrid' : `v${version}`],
    ] as const,
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'macvlan', 'null'],
      Authorization: null,
      Log: ['json-file', 'local', 'none'],
    },
    NCPU: host.cpus,
    MemTotal: host.memoryBytes,
    OperatingSystem: host.operatingSystem,
    OSVersion: host.osVersion,
    OSType: 'linux',
    Architecture: host.machine,
    KernelVersion: host.kernel,
    LoggingDriver: containerDefaults.logDriver ?? 'json-file',
    IndexServerAddress: INDEX_SERVER,
    RegistryConfig: registryConfig(live().insecureRegistries, live().registryMirrors),
    GenericResources: null,
    HttpProxy: '',
    HttpsProxy: '',
    NoProxy: '',
    Runtimes: { [runtime.name]: { path: runtime.path } },
    DefaultRuntime: runtime.name,
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    } as const,
    // Containers outlive the engine, always.
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: containers.programs.init ?? '',
    ContainerdCommit: NO_COMMIT,
    InitCommit: NO_COMMIT,
    SecurityOptions: securityOptions(host, containerDefaults),
    ...(addressPools.length === 0
      ? {}
      : { DefaultAddressPools: addressPools.map(({ base, size }) => ({ Base: base, Size: size })) }),
    CDISpecDirs: [],
  }
}

function securityOptions({ appArmor }: HostDescription, { seccomp, noNewPrivileges }: ContainerDefaults): string[] {
  const profile = seccomp === undefined || seccomp === 'builtin' ? 'builtin' : 'custom'
  return [
    ...(appArmor ? ['name=apparmor'] : []),
    `name=seccomp,profile=${seccomp === 'unconfined' ? seccomp : profile}`,
    ...(noNewPrivileges === true ? ['name=no-new-privileges'] : []),
  ]
}

/** Which limits the control groups of this machine allow. */
function limits({ containers }: SystemFacts) {
  const { version, mounts, swap } = containers.cgroups
  const has = (controller: string): boolean => mounts.has(controller)
  const complaints = [
    has('memory') ? '' : 'WARNING: No memory limit support',
    swap ? '' : 'WARNING: No swap limit support',
    has('cpu') ? '' : 'WARNING: No cpu cfs quota support',
    has('cpuset') ? '' : 'WARNING: No cpuset support',
    has('pids') ? '' : 'WARNING: No pids limit support',
  ].filter(text => text !== '')
  return {
    CgroupDriver: 'cgroupfs',
    CgroupVersion: version,
    MemoryLimit: has('memory'),
    SwapLimit: swap,
    KernelMemory: false,
    KernelMemoryTCP: false,
    CpuCfsPeriod: has('cpu'),
    CpuCfsQuota: has('cpu'),
    CPUShares: has('cpu'),
    CPUSet: has('cpuset'),
    PidsLimit: has('pids'),
    OomKillDisable: version === '1' && has('memory'),
    Warnings: complaints.length === 0 ? null : complaints,
  }
}

async function versionInfo({ version, containers }: SystemFacts, host: HostDescription): Promise<VersionInfo> {
  const programs = await containers.versions()
  const engine = {
    ApiVersion: API_VERSION,
    MinAPIVersion: API_VERSION_MIN,
    GitCommit: '',
    GoVersion: '',
    Os: 'linux',
    Arch: host.architecture,
    KernelVersion: host.kernel,
    BuildTime: '',
  }
  return {
    ...engine,
    Version: version,
    Platform: { Name: 'Shoal' },
    Components: [
      // The docker CLI shows the details, not the fields above.
      { Name: 'Engine', Version: version, Details: { ...engine, Experimental: 'false' } },
      { Name: containers.programs.runtime.name, Version: programs.runtime, Details: { GitCommit: '' } },
      { Name: 'conmon', Version: programs.conmon, Details: { GitCommit: '' } },
    ],
  }
}
