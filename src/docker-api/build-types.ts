import type { HostConfig } from './container-types.ts'
import type { RegistryAuth } from './resource-types.ts'

/** Settings of the containers of RUN steps: resources, network, names. */
export type BuildHostConfig = Pick<
  HostConfig,
  | 'Memory'
  | 'MemorySwap'
  | 'CpuShares'
  | 'CpuQuota'
  | 'CpuPeriod'
  | 'CpusetCpus'
  | 'CpusetMems'
  | 'CgroupParent'
  | 'NetworkMode'
  | 'ExtraHosts'
  | 'ShmSize'
  | 'Ulimits'
>

/** `POST /build`. */
export interface BuildOptions {
  readonly tags: readonly string[]
  /** Path in the context. */
  readonly dockerfile: string
  readonly target?: string
  readonly buildArgs: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly noCache: boolean
  /** Fetch base images even if they are here. */
  readonly pull: boolean
  /** An address that the context, or a Dockerfile alone, is fetched from; the tar is not read then. */
  readonly remote?: string
  /** Images whose steps may be taken over. */
  readonly cacheFrom?: readonly string[]
  /** `linux/amd64`; refused if this host is another. */
  readonly platform?: string
  readonly hostConfig?: BuildHostConfig
  /** Leave the containers of RUN steps: `always`, or after one that `failed`. Absent: never. */
  readonly keepContainers?: 'always' | 'failed'
  /** Credentials for base images, by registry. */
  readonly registryAuths?: Readonly<Record<string, RegistryAuth>>
  /** Values for `RUN --mount=type=secret`, by id: base64. */
  readonly secrets?: Readonly<Record<string, string>>
}

/** `POST /build/prune`. */
export interface BuildPruneOptions {
  /** Also what images still use, which costs no space but is built anew then. */
  readonly all?: boolean
  /** What was made last stays, up to so many bytes. */
  readonly keepBytes?: number
  /** `until`: only what was made before. */
  readonly filters?: Readonly<Record<string, readonly string[]>>
}

export interface BuildCachePruned {
  readonly CachesDeleted: readonly string[] | null
  /** Bytes. */
  readonly SpaceReclaimed: number
}
