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
}

export interface OciDeviceRule {
  readonly allow: boolean
  readonly type?: string
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

export interface OciResources {
  readonly devices: readonly OciDeviceRule[]
  readonly memory?: { readonly limit?: number; readonly reservation?: number; readonly swap?: number }
  readonly cpu?: {
    readonly shares?: number
    readonly quota?: number
    readonly period?: number
    readonly cpus?: string
  }
  readonly pids?: { readonly limit: number }
}

export interface OciSeccompArgument {
  readonly index: number
  readonly value: number
  readonly valueTwo?: number
  readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ'
}

export interface OciSeccomp {
  readonly defaultAction: 'SCMP_ACT_ALLOW'
  readonly architectures: readonly string[]
  readonly syscalls: readonly {
    readonly names: readonly string[]
    readonly action: 'SCMP_ACT_ERRNO'
    readonly errnoRet: number
    readonly args?: readonly OciSeccompArgument[]
  }[]
}

export interface OciSpec {
  readonly ociVersion: string
  readonly process: OciProcess
  readonly root: { readonly path: string; readonly readonly: boolean }
  readonly hostname: string
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
  }
}
