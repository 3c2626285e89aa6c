/** The OCI runtime configuration (`config.json`), as far as the engine writes it. Source: OCI Runtime Specification 1.0. */

export interface OciMount {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

export interface OciUser {
  readonly uid: number
  readonly gid: number
  readonly additionalGids: readonly number[]
}

export interface OciCapabilities {
  readonly bounding: readonly string[]
  readonly effective: readonly string[]
  readonly permitted: readonly string[]
  readonly inheritable: readonly string[]
  readonly ambient: readonly string[]
}

export interface OciProcess {
  readonly terminal: boolean
  readonly user: OciUser
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly capabilities: OciCapabilities
  readonly rlimits: readonly { readonly type: string; readonly soft: number; readonly hard: number }[]
  readonly noNewPrivileges: boolean
  readonly oomScoreAdj?: number
  readonly apparmorProfile?: string
}

/** Without numbers: any. */
export interface OciDeviceRule {
  readonly allow: boolean
  readonly type?: 'a' | 'b' | 'c'
  readonly major?: number
  readonly minor?: number
  readonly access: string
}

export interface OciDevice {
  readonly path: string
  readonly type: 'c' | 'b'
  readonly major: number
  readonly minor: number
  readonly fileMode: number
  readonly uid: number
  readonly gid: number
}

export interface OciRate {
  readonly major: number
  readonly minor: number
  /** A second. */
  readonly rate: number
}

export interface OciBlockIo {
  readonly weight?: number
  readonly weightDevice?: readonly { readonly major: number; readonly minor: number; readonly weight: number }[]
  readonly throttleReadBpsDevice?: readonly OciRate[]
  readonly throttleWriteBpsDevice?: readonly OciRate[]
  readonly throttleReadIOPSDevice?: readonly OciRate[]
  readonly throttleWriteIOPSDevice?: readonly OciRate[]
}

export interface OciResources {
  readonly devices: readonly OciDeviceRule[]
  readonly memory?: {
    readonly limit?: number
    readonly reservation?: number
    readonly swap?: number
    readonly swappiness?: number
    readonly disableOOMKiller?: boolean
  }
  readonly cpu?: {
    readonly shares?: number
    readonly quota?: number
    readonly period?: number
    readonly realtimeRuntime?: number
    readonly realtimePeriod?: number
    readonly cpus?: string
    readonly mems?: string
  }
  readonly pids?: { readonly limit: number }
  readonly blockIO?: OciBlockIo
}

export interface OciSeccomp {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly string[]
  readonly flags?: readonly string[]
  readonly syscalls: readonly {
    readonly names: readonly string[]
    readonly action: string
    readonly errnoRet?: number
    readonly args?: readonly {
      readonly index: number
      readonly value: number
      readonly valueTwo?: number
      readonly op: string
    }[]
  }[]
}

export interface OciSpec {
  readonly ociVersion: string
  readonly process: OciProcess
  readonly root: { readonly path: string; readonly readonly: boolean }
  /** Absent in the host's UTS namespace. */
  readonly hostname?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly mounts: readonly OciMount[]
  readonly linux: {
    readonly namespaces: readonly { readonly type: string; readonly path?: string }[]
    readonly cgroupsPath: string
    readonly resources: OciResources
    readonly devices: readonly OciDevice[]
    readonly sysctl: Readonly<Record<string, string>>
    readonly maskedPaths: readonly string[]
    readonly readonlyPaths: readonly string[]
    readonly seccomp?: OciSeccomp
    readonly rootfsPropagation?: string
  }
}
