import type { ContainerConfig, HostConfig } from '../../../docker-api/index.ts'
import type { CgroupAbilities } from '../../linux/process/cgroup-abilities.ts'
import type { PreparedMount, Sandbox } from '../../ports.ts'
import { resolveSeccomp, type SeccompProfile } from '../seccomp/index.ts'
import { chooseCapabilities } from './capabilities.ts'
import { defaultMounts, SHM_BYTES_DEFAULT } from './default-mounts.ts'
import { blockIoOf, type DeviceNumbers, deviceRules, type GrantedDevice } from './devices.ts'
import { environmentOf } from './environment.ts'
import { namespacesOf, readNamespaceModes } from './namespaces.ts'
import type { OciMount, OciProcess, OciSeccomp, OciSpec, OciUser } from './oci-types.ts'
import { resourcesOf } from './resources.ts'
import { appArmorField, readSecurityOptions } from './security-options.ts'
import { sysctlsOf } from './sysctls.ts'
import { systemPathsOf } from './system-paths.ts'

/** Where the init binary appears inside the container. Source: Docker. */
const INIT_PATH = '/sbin/docker-init'

/** What of this machine goes into a container's configuration. */
export interface SpecFacts {
  readonly cgroupVersion: '1' | '2'
  readonly abilities: Pick<CgroupAbilities, 'swap'> & Partial<CgroupAbilities>
  /** The engine's own bounding set of capabilities. */
  readonly boundingSet: bigint
  /** Profile of containers that name none; undefined if this machine has none. */
  readonly seccomp: SeccompProfile | undefined
  readonly arch: string
  /** The kernel's release. */
  readonly kernel: string
  readonly hasX32: boolean
}

export interface SpecInput {
  readonly facts: SpecFacts
  /** Image and request already merged. */
  readonly config: ContainerConfig
  readonly host: HostConfig
  readonly hostname: string
  readonly rootPath: string
  readonly user: OciUser
  readonly mounts: readonly PreparedMount[]
  readonly sandbox: Sandbox
  readonly cgroupsPath: string
  /** Init binary on the host, given when HostConfig.Init is true. */
  readonly initPath?: string
  readonly devices: readonly GrantedDevice[]
  readonly blockDevices: DeviceNumbers
  /** Paths of the namespaces of other containers that are joined. */
  readonly joined: { readonly pid?: string; readonly ipc?: string }
  /** As {@link defaultMounts} has it. */
  readonly shmSource?: string
}

/** Writes the OCI configuration of a container. Pure; everything in `host` was checked before. */
export function buildOciSpec(input: SpecInput): OciSpec {
  const { config, host, facts, sandbox } = input
  const { uts } = readNamespaceModes(host)
  const ownNetwork = sandbox.netnsPath !== undefined && !(host.NetworkMode ?? '').startsWith('container:')
  const { masked, readOnly } = systemPathsOf(host)
  const seccomp = seccompOf(input)
  const propagation = rootPropagation(input.mounts)
  const blockIO = blockIoOf(host, { numbers: input.blockDevices, weights: facts.abilities.blockIoWeight === true })
  const annotations = host.Annotations ?? {}
  return {
    ociVersion: '1.0.2',
    process: processOf(input),
    root: { path: input.rootPath, readonly: host.ReadonlyRootfs === true },
    ...(uts.kind === 'host' ? {} : { hostname: input.hostname }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    mounts: mountsOf(input),
    linux: {
      namespaces: namespacesOf(host, {
        cgroupVersion: facts.cgroupVersion,
        netnsPath: sandbox.netnsPath,
        joined: input.joined,
      }),
      cgroupsPath: input.cgroupsPath,
      resources: resourcesOf(host, facts.abilities, { devices: deviceRules(host, input.devices), blockIO }),
      devices: input.devices.map(({ device }) => device),
      sysctl: sysctlsOf(host, { domainname: uts.kind === 'host' ? '' : (config.Domainname ?? ''), ownNetwork }),
      maskedPaths: masked,
      readonlyPaths: readOnly,
      ...(seccomp === undefined ? {} : { seccomp }),
      ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
    },
  }
}

function processOf({ config, host, user, facts, hostname, initPath, sandbox }: SpecInput): OciProcess {
  const tty = config.Tty === true
  const args = commandOf(config)
  const security = readSecurityOptions(host.SecurityOpt ?? [])
  const capabilities = capabilitiesOf(host, facts.boundingSet)
  const active = user.uid === 0 ? capabilities : []
  return {
    terminal: tty,
    user,
    args: initPath === undefined ? args : [INIT_PATH, '--', ...args],
    env: environmentOf({ hostname, tty }, sandbox.environment ?? [], config.Env ?? []),
    cwd: config.WorkingDir === undefined || config.WorkingDir === '' ? '/' : config.WorkingDir,
    capabilities: { bounding: capabilities, effective: active, permitted: active, inheritable: [], ambient: [] },
    rlimits: rlimitsOf(host),
    noNewPrivileges: security.noNewPrivileges,
    // Said even if it is 0: a container must not have the engine's own.
    oomScoreAdj: host.OomScoreAdj ?? 0,
    ...appArmorField(security, host.Privileged === true),
  }
}

export function rlimitsOf({ Ulimits }: HostConfig): OciProcess['rlimits'] {
  return (Ulimits ?? []).map(({ Name, Soft, Hard }) => ({
    type: `RLIMIT_${Name.toUpperCase()}`,
    soft: rlimit(Soft),
    hard: rlimit(Hard),
  }))
}

function rlimit(value: number): number {
  return value < 0 ? Number.POSITIVE_INFINITY : value
}

function capabilitiesOf(host: HostConfig, boundingSet: bigint): string[] {
  const wishes = { privileged: host.Privileged === true, add: host.CapAdd ?? [], drop: host.CapDrop ?? [] }
  return chooseCapabilities(wishes, boundingSet)
}

function seccompOf({ host, facts }: SpecInput): OciSeccomp | undefined {
  const { seccomp } = readSecurityOptions(host.SecurityOpt ?? [])
  if (host.Privileged === true || seccomp === 'unconfined') return undefined
  const profile = seccomp === 'default' ? facts.seccomp : seccomp
  if (profile === undefined) return undefined
  return resolveSeccomp(profile, { ...facts, capabilities: capabilitiesOf(host, facts.boundingSet) })
}

/** Mounts reach the host (or come from it) only through a root that lets them. Source: Docker. */
function rootPropagation(mounts: readonly PreparedMount[]): string | undefined {
  const options = new Set(mounts.flatMap(mount => mount.options))
  if (options.has('shared') || options.has('rshared')) return 'shared'
  return options.has('slave') || options.has('rslave') ? 'rslave' : undefined
}

/** Entrypoint and command as one list. */
export function commandOf(config: ContainerConfig): string[] {
  return [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
}

/** Defaults, then the network's files, then the user's: whoever comes later wins a destination; parents before children. */
function mountsOf({ host, sandbox, mounts, initPath, shmSource }: SpecInput): OciMount[] {
  const privileged = host.Privileged === true
  const shmBytes = host.ShmSize === undefined || host.ShmSize === 0 ? SHM_BYTES_DEFAULT : host.ShmSize
  const defaults = defaultMounts({ privileged, shmBytes, ...(shmSource === undefined ? {} : { shmSource }) })
  const wished = mounts.map(({ destination, type, source, options }) => ({ destination, type, source, options }))
  const taken = new Set(wished.map(mount => mount.destination))
  const access = host.ReadonlyRootfs === true ? ['ro'] : []
  const files = [
    fileMount('/etc/resolv.conf', sandbox.files.resolvConf, access),
    fileMount('/etc/hostname', sandbox.files.hostname, access),
    fileMount('/etc/hosts', sandbox.files.hosts, access),
    ...(initPath === undefined ? [] : [fileMount(INIT_PATH, initPath, ['ro'])]),
  ]
  const free = ({ destination }: OciMount): boolean =>
    !taken.has(destination) && !(taken.has('/dev') && destination.startsWith('/dev/'))
  const byDepth = [...wished].sort((a, b) => depth(a.destination) - depth(b.destination))
  return [...defaults.filter(free), ...files.filter(free), ...byDepth]
}

function fileMount(destination: string, source: string, options: readonly string[]): OciMount {
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', ...options] }
}

function depth(path: string): number {
  return path.split('/').filter(part => part !== '').length
}
