import { isoSeconds } from '../../core/iso-seconds.ts'
import type { NodeView } from '../../core/model/control-api.ts'
import { formatBytes } from '../../core/units.ts'
import type { SystemInfo, VersionInfo } from '../../docker-api/index.ts'
import { roomOf } from '../../scheduler/index.ts'

/** What is shown of one node's engine. */
export type NodeFacts = Pick<
  SystemInfo,
  'Containers' | 'ContainersRunning' | 'ContainersPaused' | 'ContainersStopped' | 'Images'
> & { readonly clockSkewMs: number }

/** Absent: the engine does not answer. */
type NodeInfo = {
  readonly node: NodeView
  readonly info?: NodeFacts | undefined
  /** When it last told everything, for one that tells nothing now. */
  readonly toldAtMs?: number | undefined
}

export interface InfoFacts {
  readonly name: string
  readonly id: string
  readonly version: string
  readonly strategy: string
  readonly filters: readonly string[]
  readonly role: 'primary' | 'replica'
  /** Address of the leader, for a replica. */
  readonly primary?: string
  readonly nodes: readonly NodeInfo[]
  /** Share by which nodes are taken for larger than they are. */
  readonly overcommit: number
  readonly nowMs: number
}

/** What docker's client warns of where it is missing: a question for each node's own engine, answered as classic Swarm does. */
const ABILITIES = {
  MemoryLimit: true,
  SwapLimit: true,
  CpuCfsPeriod: true,
  CpuCfsQuota: true,
  CPUShares: true,
  CPUSet: true,
  PidsLimit: true,
  OomKillDisable: true,
  IPv4Forwarding: true,
  BridgeNfIptables: true,
  BridgeNfIp6tables: true,
} as const

/** `docker info` of the cluster, with classic Swarm's lines for each node. */
export function systemInfo(facts: InfoFacts): SystemInfo {
  const { overcommit } = facts
  const sum = (pick: (info: NodeFacts) => number): number =>
    facts.nodes.reduce((total, { info }) => total + (info === undefined ? 0 : pick(info)), 0)
  const ready = facts.nodes.filter(({ node }) => node.status === 'ready')
  return {
    ID: facts.id,
    Name: facts.name,
    ServerVersion: `shoal/${facts.version}`,
    Containers: sum(info => info.Containers),
    ContainersRunning: sum(info => info.ContainersRunning),
    ContainersPaused: sum(info => info.ContainersPaused),
    ContainersStopped: sum(info => info.ContainersStopped),
    Images: sum(info => info.Images),
    Driver: '',
    DriverStatus: [],
    SystemStatus: systemStatus(facts),
    NCPU: ready.reduce((total, { node }) => total + wholeCpus(roomOf(node.lastSeen, overcommit)), 0),
    MemTotal: ready.reduce((total, { node }) => total + roomOf(node.lastSeen, overcommit).memoryBytes, 0),
    OperatingSystem: 'linux',
    OSType: 'linux',
    Architecture: facts.nodes[0]?.node.lastSeen.platform.arch ?? 'amd64',
    KernelVersion: facts.nodes[0]?.node.lastSeen.platform.kernel ?? '',
    DockerRootDir: '',
    Labels: [],
    CgroupDriver: '',
    CgroupVersion: '',
    DefaultRuntime: '',
    LoggingDriver: '',
    SystemTime: new Date(facts.nowMs).toISOString(),
    ExperimentalBuild: false,
    Debug: false,
    Warnings: null,
    ...ABILITIES,
  }
}

/** As classic Swarm: below that nobody is misled. */
const SKEW_SHOWN_MS = 2_000

type Pair = readonly [string, string]

function systemStatus(facts: InfoFacts): Pair[] {
  const { role, primary, strategy, filters, nodes } = facts
  const sorted = nodes.toSorted((a, b) => (a.node.name < b.node.name ? -1 : 1))
  return [
    ['Role', role],
    ...(role === 'replica' && primary !== undefined ? [['Primary', primary] as const] : []),
    ['Strategy', strategy],
    ['Filters', filters.join(', ')],
    ['Nodes', String(nodes.length)],
    ...sorted.flatMap(node => nodeLines(node, facts)),
  ]
}

function nodeLines({ node, info, toldAtMs }: NodeInfo, { overcommit, nowMs }: InfoFacts): Pair[] {
  const { lastSeen: member, reserved } = node
  const room = roomOf(member, overcommit)
  const isHealthy = node.status === 'ready' && info !== undefined
  const labels = {
    ...member.labels,
    ...node.labels,
    kernelversion: member.platform.kernel,
    operatingsystem: member.platform.operatingSystem,
    ostype: member.platform.os,
    storagedriver: member.storageDriver,
  }
  const counts = isHealthy
    ? `${info.Containers} (${info.ContainersRunning} Running, ${info.ContainersPaused} Paused, ${info.ContainersStopped} Stopped)`
    : String(node.tasks)
  const availability: Pair[] = node.availability === 'active' ? [] : [['  └ Availability', node.availability]]
  const health = node.health === 'healthy' && !isHealthy ? 'unhealthy' : node.health
  const reason = node.reason ?? (isHealthy ? undefined : 'The engine does not answer')
  const skewMs = info?.clockSkewMs ?? 0
  return [
    [` ${node.name}`, member.apiAddress],
    ['  └ ID', `${member.id || '(unknown)'}|${member.apiAddress}`],
    ['  └ Status', `${health.charAt(0).toUpperCase()}${health.slice(1)}`],
    ...availability,
    ['  └ Containers', counts],
    ['  └ Reserved CPUs', `${reserved.nanoCpus / 1e9} / ${wholeCpus(room)}`],
    ['  └ Reserved Memory', `${spaced(reserved.memoryBytes)} / ${spaced(room.memoryBytes)}`],
    [
      '  └ Labels',
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .sort()
        .join(', '),
    ],
    ...(reason === undefined ? [] : [['  └ Error', reason] as const]),
    ...(Math.abs(skewMs) <= SKEW_SHOWN_MS ? [] : [['  └ Clock', skewText(skewMs)] as const]),
    ['  └ UpdatedAt', updatedAt(info === undefined ? toldAtMs : nowMs)],
    ['  └ ServerVersion', member.engineVersion],
  ]
}

function wholeCpus({ nanoCpus }: { readonly nanoCpus: number }): number {
  return Math.floor(nanoCpus / 1e9)
}

function updatedAt(ms: number | undefined): string {
  return ms === undefined ? '(not since this manager started)' : isoSeconds(ms)
}

function skewText(skewMs: number): string {
  return `${Math.abs(skewMs / 1_000).toFixed(1)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the manager's: set it, or times of containers mislead`
}

/** Classic Swarm writes a space before the unit. */
function spaced(bytes: number): string {
  return formatBytes(bytes).replace(/(\d)([A-Z])/, '$1 $2')
}

export function versionInfo(version: string, kernel: string): VersionInfo {
  return {
    Version: `shoal/${version}`,
    ApiVersion: '1.43',
    MinAPIVersion: '1.24',
    GitCommit: '',
    GoVersion: '',
    Os: 'linux',
    Arch: process.arch === 'x64' ? 'amd64' : process.arch,
    KernelVersion: kernel,
    Platform: { Name: 'Shoal' },
    Components: [{ Name: 'Shoal manager', Version: version }],
  }
}
