import type { ContainerConfig, HostConfig } from '../../../docker-api/index.ts'
import type { PreparedMount, Sandbox } from '../../ports.ts'
import { chooseCapabilities } from './capabilities.ts'
import { defaultMounts, MASKED_PATHS, READONLY_PATHS, SHM_BYTES_DEFAULT } from './default-mounts.ts'
import { environmentOf } from './environment.ts'
import type { OciDevice, OciMount, OciSpec, OciUser } from './oci-types.ts'
import { resourcesOf } from './resources.ts'
import { defaultSeccomp } from './seccomp.ts'
import { readSecurityOptions } from './security-options.ts'

/** Where the init binary appears inside the container. Source: Docker. */
const INIT_PATH = '/sbin/docker-init'

const OPEN_NETWORK = { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' }

export interface SpecInput {
  /** Image and request already merged. */
  readonly config: ContainerConfig
  readonly host: HostConfig
  readonly hostname: string
  readonly rootPath: string
  readonly user: OciUser
  readonly mounts: readonly PreparedMount[]
  readonly sandbox: Sandbox
  readonly cgroupsPath: string
  readonly cgroup: { readonly version: '1' | '2'; readonly swap: boolean }
  /** The engine's own bounding set of capabilities. */
  readonly boundingSet: bigint
  /** Init binary on the host, given when HostConfig.Init is true. */
  readonly initPath?: string
  /** Device nodes of the host, given when the container is privileged. */
  readonly hostDevices: readonly OciDevice[]
}

/** Writes the OCI configuration of a container. Pure; everything in `host` was checked before. */
export function buildOciSpec(input: SpecInput): OciSpec {
  const { config, host, user } = input
  const privileged = host.Privileged === true
  const security = readSecurityOptions(host.SecurityOpt ?? [])
  const wishes = { privileged, add: host.CapAdd ?? [], drop: host.CapDrop ?? [] }
  const capabilities = chooseCapabilities(wishes, input.boundingSet)
  const args = commandOf(config)
  const tty = config.Tty === true
  const active = user.uid === 0 ? capabilities : []
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: tty,
      user,
      args: input.initPath === undefined ? args : [INIT_PATH, '--', ...args],
      env: environmentOf({ hostname: input.hostname, tty }, config.Env ?? []),
      cwd: config.WorkingDir === undefined || config.WorkingDir === '' ? '/' : config.WorkingDir,
      capabilities: { bounding: capabilities, effective: active, permitted: active, inheritable: [], ambient: [] },
      rlimits: (host.Ulimits ?? []).map(({ Name, Soft, Hard }) => ({
        type: `RLIMIT_${Name.toUpperCase()}`,
        soft: Soft,
        hard: Hard,
      })),
      noNewPrivileges: security.noNewPrivileges,
      ...(host.OomScoreAdj === undefined ? {} : { oomScoreAdj: host.OomScoreAdj }),
    },
    root: { path: input.rootPath, readonly: host.ReadonlyRootfs === true },
    hostname: input.hostname,
    mounts: mountsOf(input),
    linux: {
      namespaces: namespacesOf(input),
      cgroupsPath: input.cgroupsPath,
      resources: resourcesOf(host, input.cgroup),
      devices: input.hostDevices,
      sysctl: sysctlsOf(input),
      maskedPaths: privileged ? [] : MASKED_PATHS,
      readonlyPaths: privileged ? [] : READONLY_PATHS,
      ...(privileged || security.unconfined ? {} : { seccomp: defaultSeccomp(capabilities) }),
    },
  }
}

/** Entrypoint and command as one list. */
export function commandOf(config: ContainerConfig): string[] {
  return [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
}

/** As Docker: in a network of its own nobody needs privileges for low ports and ping. */
function sysctlsOf({ config, host, sandbox }: SpecInput): Readonly<Record<string, string>> {
  const ownNetwork = sandbox.netnsPath !== undefined && !(host.NetworkMode ?? '').startsWith('container:')
  const domain = config.Domainname ?? ''
  return {
    ...(ownNetwork ? OPEN_NETWORK : {}),
    ...(domain === '' ? {} : { 'kernel.domainname': domain }),
    ...host.Sysctls,
  }
}

function namespacesOf({ sandbox, cgroup }: SpecInput): { type: string; path?: string }[] {
  const kinds = ['mount', 'pid', 'ipc', 'uts', ...(cgroup.version === '2' ? ['cgroup'] : [])]
  const network = sandbox.netnsPath === undefined ? [] : [{ type: 'network', path: sandbox.netnsPath }]
  return [...kinds.map(type => ({ type })), ...network]
}

/** Defaults, then the network's files, then the user's: whoever comes later wins a destination; parents before children. */
function mountsOf({ host, sandbox, mounts, initPath }: SpecInput): OciMount[] {
  const privileged = host.Privileged === true
  const shmBytes = host.ShmSize === undefined || host.ShmSize === 0 ? SHM_BYTES_DEFAULT : host.ShmSize
  const defaults = defaultMounts({ privileged, shmBytes })
  const wished = mounts.map(({ destination, type, source, options }) => ({ destination, type, source, options }))
  const taken = new Set(wished.map(mount => mount.destination))
  const access = host.ReadonlyRootfs === true ? ['ro'] : []
  const files = [
    fileMount('/etc/resolv.conf', sandbox.files.resolvConf, access),
    fileMount('/etc/hostname', sandbox.files.hostname, access),
    fileMount('/etc/hosts', sandbox.files.hosts, access),
    ...(initPath === undefined ? [] : [fileMount(INIT_PATH, initPath, ['ro'])]),
  ]
  const free = (mount: OciMount): boolean => !taken.has(mount.destination)
  const byDepth = [...wished].sort((a, b) => depth(a.destination) - depth(b.destination))
  return [...defaults.filter(free), ...files.filter(free), ...byDepth]
}

function fileMount(destination: string, source: string, options: readonly string[]): OciMount {
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', ...options] }
}

function depth(path: string): number {
  return path.split('/').filter(part => part !== '').length
}
