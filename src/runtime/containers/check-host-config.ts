import { invalidInput, unsupported } from '../../core/errors.ts'
import type { HostConfig } from '../../docker-api/index.ts'
import { readLogConfig } from './logs/index.ts'
import { chooseCapabilities } from './spec/capabilities.ts'
import { readSecurityOptions } from './spec/security-options.ts'

const MEMORY_BYTES_MIN = 6 * 1024 * 1024

const SUPPORTED: ReadonlySet<string> = new Set<keyof HostConfig>([
  'Binds',
  'Mounts',
  'VolumesFrom',
  'Tmpfs',
  'NetworkMode',
  'PortBindings',
  'PublishAllPorts',
  'RestartPolicy',
  'AutoRemove',
  'Memory',
  'MemoryReservation',
  'MemorySwap',
  'NanoCpus',
  'CpuShares',
  'CpuQuota',
  'CpuPeriod',
  'CpusetCpus',
  'PidsLimit',
  'CapAdd',
  'CapDrop',
  'Privileged',
  'ReadonlyRootfs',
  'Dns',
  'DnsOptions',
  'DnsSearch',
  'ExtraHosts',
  'Sysctls',
  'Ulimits',
  'ShmSize',
  'Init',
  'CgroupParent',
  'SecurityOpt',
  'LogConfig',
  'OomScoreAdj',
])

/** Fields that clients send with values that mean nothing, or what this engine does anyway. */
const HARMLESS: Readonly<Record<string, (value: unknown) => boolean>> = {
  ContainerIDFile: () => true,
  ConsoleSize: () => true,
  Annotations: value => isEmpty(value),
  IpcMode: value => value === 'private' || value === 'shareable',
  CgroupnsMode: value => value === 'private' || value === 'host',
  Isolation: value => value === 'default',
  Runtime: value => value === 'runc' || value === 'crun',
  MemorySwappiness: value => value === -1,
  VolumeDriver: value => value === 'local',
}

/** Facts of this machine that a container's wishes are held against. */
export interface HostFacts {
  readonly cpus: number
  readonly boundingSet: bigint
  /** Init binary for HostConfig.Init; undefined if none is installed. */
  readonly initPath: string | undefined
}

/** Refuses by name what this engine does not do, and values that make no sense, with docker's words where it has some. */
export function checkHostConfig(host: HostConfig, facts: HostFacts): void {
  for (const [field, value] of Object.entries(host)) {
    if (SUPPORTED.has(field) || isEmpty(value) || HARMLESS[field]?.(value) === true) continue
    throw unsupported('HOST_CONFIG_UNSUPPORTED', `HostConfig.${field} is not supported by this engine: leave it out`)
  }
  checkMemory(host)
  checkCpus(host, facts.cpus)
  checkRestartPolicy(host)
  checkUlimits(host)
  chooseCapabilities({ privileged: false, add: host.CapAdd ?? [], drop: host.CapDrop ?? [] }, facts.boundingSet)
  readSecurityOptions(host.SecurityOpt ?? [])
  readLogConfig(host.LogConfig ?? {})
  checkRest(host, facts)
}

function checkRest({ OomScoreAdj = 0, Init, CgroupParent = '' }: HostConfig, { initPath }: HostFacts): void {
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000) {
    throw invalidInput('BAD_OOM_SCORE', `Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`)
  }
  if (Init === true && initPath === undefined) {
    throw unsupported('INIT_MISSING', 'HostConfig.Init needs an init binary on the host: install the tini package')
  }
  if (/(^|\/)\.\.(\/|$)/.test(CgroupParent)) {
    throw invalidInput('BAD_CGROUP_PARENT', `The cgroup parent "${CgroupParent}" must not contain ".."`)
  }
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true
  if (typeof value !== 'object') return false
  return Object.keys(value).length === 0
}

function checkMemory({ Memory = 0, MemorySwap = 0, MemoryReservation = 0 }: HostConfig): void {
  const bad = (message: string): never => {
    throw invalidInput('BAD_MEMORY_LIMIT', message)
  }
  if (Memory !== 0 && Memory < MEMORY_BYTES_MIN) bad('Minimum memory limit allowed is 6MB')
  if (MemorySwap > 0 && Memory === 0)
    bad('You should always set the Memory limit when using Memoryswap limit, see usage')
  if (MemorySwap > 0 && MemorySwap < Memory) {
    bad('Minimum memoryswap limit should be larger than memory limit, see usage')
  }
  if (MemoryReservation !== 0 && MemoryReservation < MEMORY_BYTES_MIN) bad('Minimum memory reservation allowed is 6MB')
  if (Memory !== 0 && MemoryReservation > Memory) {
    bad('Minimum memory limit can not be less than memory reservation limit, see usage')
  }
}

function checkCpus({ NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0 }: HostConfig, cpus: number): void {
  const bad = (message: string): never => {
    throw invalidInput('BAD_CPU_LIMIT', message)
  }
  if (NanoCpus !== 0 && CpuPeriod !== 0) bad('Conflicting options: Nano CPUs and CPU Period cannot both be set.')
  if (NanoCpus !== 0 && CpuQuota !== 0) bad('Conflicting options: Nano CPUs and CPU Quota cannot both be set.')
  if (NanoCpus !== 0 && (NanoCpus < 1e7 || NanoCpus > cpus * 1e9)) {
    bad(`Range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`)
  }
  if (CpuPeriod !== 0 && (CpuPeriod < 1_000 || CpuPeriod > 1_000_000)) {
    bad('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)')
  }
  if (CpuQuota > 0 && CpuQuota < 1_000) bad('CPU cfs quota can not be less than 1ms (i.e. 1000)')
}

function checkRestartPolicy({ RestartPolicy = {}, AutoRemove = false }: HostConfig): void {
  const { Name = '', MaximumRetryCount = 0 } = RestartPolicy
  const bad = (message: string): never => {
    throw invalidInput('BAD_RESTART_POLICY', message)
  }
  if (!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(Name)) {
    bad(
      `invalid restart policy: unknown policy '${Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    )
  }
  if (Name !== 'on-failure' && MaximumRetryCount !== 0) {
    bad("invalid restart policy: maximum retry count can only be used with 'on-failure'")
  }
  if (MaximumRetryCount < 0) bad('invalid restart policy: maximum retry count cannot be negative')
  if (AutoRemove && Name !== '' && Name !== 'no') bad("can't create 'AutoRemove' container with restart policy")
}

const ULIMITS = [
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]

function checkUlimits({ Ulimits }: HostConfig): void {
  for (const { Name, Soft, Hard } of Ulimits ?? []) {
    if (!ULIMITS.includes(Name)) throw invalidInput('BAD_ULIMIT', `invalid ulimit type: ${Name}`)
    if (Hard !== -1 && (Soft === -1 || Soft > Hard)) {
      throw invalidInput('BAD_ULIMIT', `ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`)
    }
  }
}
