type FieldOrder = readonly string[]

const fields = (text: string): FieldOrder => text.split(/\s+/)

/** Docker's `GET /containers/{id}/json`, and the parts of it whose order would not come by itself. */
const CONTAINER: FieldOrder = fields(
  `Id Created Path Args State Image ResolvConfPath HostnamePath HostsPath LogPath Name RestartCount Driver Platform MountLabel
  ProcessLabel AppArmorProfile ExecIDs HostConfig GraphDriver SizeRw SizeRootFs Mounts Config NetworkSettings`,
)
const STATE: FieldOrder = fields(
  'Status Running Paused Restarting OOMKilled Dead Pid ExitCode Error StartedAt FinishedAt Health',
)
const CONFIG: FieldOrder = fields(
  `Hostname Domainname User AttachStdin AttachStdout AttachStderr ExposedPorts Tty OpenStdin StdinOnce Env Cmd Healthcheck
  ArgsEscaped Image Volumes WorkingDir Entrypoint NetworkDisabled MacAddress OnBuild Labels StopSignal StopTimeout Shell`,
)
const HOST_CONFIG: FieldOrder = fields(
  `Binds ContainerIDFile LogConfig NetworkMode PortBindings RestartPolicy AutoRemove VolumeDriver VolumesFrom CapAdd CapDrop
  CgroupnsMode Dns DnsOptions DnsSearch ExtraHosts GroupAdd IpcMode Cgroup Links OomScoreAdj PidMode Privileged
  PublishAllPorts ReadonlyRootfs SecurityOpt StorageOpt Tmpfs UTSMode UsernsMode ShmSize Sysctls Runtime ConsoleSize
  Annotations Isolation CpuShares Memory NanoCpus CgroupParent BlkioWeight BlkioWeightDevice BlkioDeviceReadBps
  BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime
  CpusetCpus CpusetMems Devices DeviceCgroupRules DeviceRequests KernelMemory KernelMemoryTCP MemoryReservation MemorySwap
  MemorySwappiness OomKillDisable PidsLimit Ulimits CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth Mounts MaskedPaths
  ReadonlyPaths Init`,
)
const GRAPH_DRIVER: FieldOrder = fields('Data Name')

const IMAGE: FieldOrder = fields(
  `Id RepoTags RepoDigests Parent Comment Created Container ContainerConfig DockerVersion Author Config Architecture Variant
  Os Size VirtualSize GraphDriver RootFS Metadata`,
)
const IMAGE_SUMMARY: FieldOrder = fields(
  'Containers Created Id Labels ParentId RepoDigests RepoTags SharedSize Size VirtualSize',
)
const INFO: FieldOrder = fields(
  `ID Containers ContainersRunning ContainersPaused ContainersStopped Images Driver DriverStatus SystemStatus Plugins
  MemoryLimit SwapLimit KernelMemory KernelMemoryTCP CpuCfsPeriod CpuCfsQuota CPUShares CPUSet PidsLimit IPv4Forwarding
  BridgeNfIptables BridgeNfIp6tables Debug NFd OomKillDisable NGoroutines SystemTime LoggingDriver CgroupDriver
  CgroupVersion NEventsListener KernelVersion OperatingSystem OSVersion OSType Architecture IndexServerAddress
  RegistryConfig NCPU MemTotal GenericResources DockerRootDir HttpProxy HttpsProxy NoProxy Name Labels ExperimentalBuild
  ServerVersion Runtimes DefaultRuntime Swarm LiveRestoreEnabled Isolation InitBinary ContainerdCommit RuncCommit InitCommit
  SecurityOptions CDISpecDirs Warnings`,
)
const VERSION: FieldOrder = fields(
  'Platform Components Version ApiVersion MinAPIVersion GitCommit GoVersion Os Arch KernelVersion Experimental BuildTime',
)

/**
 * The same fields as Docker writes them down, which people see in `docker inspect` and in templates that print whole
 * objects. What the order does not name comes last.
 */
function inOrder(value: object, order: FieldOrder): object {
  const given = value as Readonly<Record<string, unknown>>
  const result: Record<string, unknown> = {}
  for (const name of order) if (given[name] !== undefined) result[name] = given[name]
  for (const name of Object.keys(given)) if (!(name in result)) result[name] = given[name]
  return result
}

/** Orders what stands in fields of an object; fields that hold none stay as they are. */
function withParts(value: object, orders: Readonly<Record<string, FieldOrder>>): object {
  const result: Record<string, unknown> = { ...value }
  for (const [name, order] of Object.entries(orders)) {
    const part = result[name]
    if (typeof part === 'object' && part !== null) result[name] = inOrder(part, order)
  }
  return result
}

export function orderedContainer(container: object): object {
  const parts = { State: STATE, HostConfig: HOST_CONFIG, Config: CONFIG, GraphDriver: GRAPH_DRIVER }
  return inOrder(withParts(container, parts), CONTAINER)
}

export function orderedImage(image: object): object {
  const parts = { Config: CONFIG, ContainerConfig: CONFIG, GraphDriver: GRAPH_DRIVER }
  return inOrder(withParts(image, parts), IMAGE)
}

export const orderedImageSummary = (summary: object): object => inOrder(summary, IMAGE_SUMMARY)
export const orderedInfo = (info: object): object => inOrder(info, INFO)
export const orderedVersion = (version: object): object => inOrder(version, VERSION)
