import type { HostConfig } from '../../docker-api/index.ts'
import { readLogConfig } from './logs/index.ts'
import { readSecurityOptions } from './spec/security-options.ts'

/** What an engine says for containers that say nothing themselves. Names and meanings are dockerd's flags. */
export interface ContainerDefaults {
  readonly dns?: readonly string[]
  readonly dnsSearch?: readonly string[]
  readonly dnsOptions?: readonly string[]
  readonly logDriver?: string
  readonly logOptions?: Readonly<Record<string, string>>
  readonly ulimits?: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[]
  readonly shmBytes?: number
  /** `private` or `shareable`. */
  readonly ipcMode?: string
  /** `private` or `host`. */
  readonly cgroupnsMode?: string
  readonly init?: boolean
  readonly noNewPrivileges?: boolean
  /** As `--security-opt seccomp=` has it: `unconfined`, `builtin`, or the JSON of a profile. */
  readonly seccomp?: string
}

/** Throws 400 for defaults that no container could be given. */
export function checkContainerDefaults({ logDriver, logOptions, seccomp }: ContainerDefaults): void {
  readLogConfig({ ...(logDriver === undefined ? {} : { Type: logDriver }), Config: logOptions ?? null })
  if (seccomp !== undefined) readSecurityOptions([`seccomp=${seccomp}`])
}

/** The request with what the engine gives it for life: a container keeps these, whatever the next engine says. */
export function withDefaults(host: HostConfig, defaults: ContainerDefaults): HostConfig {
  const { shmBytes, ipcMode, cgroupnsMode } = defaults
  return {
    ...host,
    ...(shmBytes !== undefined && !host.ShmSize ? { ShmSize: shmBytes } : {}),
    ...(ipcMode !== undefined && !host.IpcMode ? { IpcMode: ipcMode } : {}),
    ...(cgroupnsMode !== undefined && !host.CgroupnsMode ? { CgroupnsMode: cgroupnsMode } : {}),
    ...logConfig(host, defaults),
  }
}

/** Options of the default driver go only to that driver. Source: Docker. */
function logConfig({ LogConfig }: HostConfig, { logDriver, logOptions }: ContainerDefaults): HostConfig {
  if (logDriver === undefined && logOptions === undefined) return {}
  const driver = logDriver ?? 'json-file'
  const Type = LogConfig?.Type || driver
  return { LogConfig: { Type, Config: { ...(Type === driver ? logOptions : {}), ...LogConfig?.Config } } }
}

/** The request with what the engine of the moment says: Docker does not write these down, and asks anew at each start. */
export function inForce(host: HostConfig, defaults: ContainerDefaults): HostConfig {
  const { dns = [], dnsSearch = [], dnsOptions = [], ulimits = [], init, noNewPrivileges = false, seccomp } = defaults
  const named = new Set(host.Ulimits?.map(({ Name }) => Name))
  const limits = [...(host.Ulimits ?? []), ...ulimits.filter(({ Name }) => !named.has(Name))]
  // Of an option given twice the last counts.
  const security = [
    ...(noNewPrivileges ? ['no-new-privileges'] : []),
    ...(seccomp === undefined ? [] : [`seccomp=${seccomp}`]),
    ...(host.SecurityOpt ?? []),
  ]
  const lists = {
    Dns: [host.Dns, dns],
    DnsSearch: [host.DnsSearch, dnsSearch],
    DnsOptions: [host.DnsOptions, dnsOptions],
  }
  return {
    ...host,
    ...Object.fromEntries(Object.entries(lists).map(([key, [own, given]]) => [key, own?.length ? own : given])),
    ...(limits.length === 0 ? {} : { Ulimits: limits }),
    ...(security.length === 0 ? {} : { SecurityOpt: security }),
    ...(init === true && (host.Init === undefined || host.Init === null) ? { Init: true } : {}),
  }
}
