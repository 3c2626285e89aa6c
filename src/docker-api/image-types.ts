import type { ProgressMessage, RegistryAuth } from './resource-types.ts'

/** Wire types and options of the image calls of the Docker Engine API. Field names are the wire's. */

/** What travels with every transfer between this host and a registry. */
export interface TransferOptions {
  readonly auth?: RegistryAuth
  readonly onProgress?: (message: ProgressMessage) => void
  /** Every tag of the repository, when the reference names none. */
  readonly allTags?: boolean
}

export interface PushOptions extends TransferOptions {
  /** Refused unless the image is for it: `linux/arm64`. */
  readonly platform?: string
}

export interface PullOptions extends TransferOptions {
  /** `linux/arm64`, `arm64`, `linux/arm/v7`; absent: the host's own. */
  readonly platform?: string
}

/** `POST /images/create?fromSrc=`: a root file system becomes an image of one layer. */
export interface ImportOptions {
  /** `repository[:tag]`; absent: the image gets no name. */
  readonly name?: string
  readonly message?: string
  /** Dockerfile instructions applied to the image's config: `CMD ls`, `ENV A=1`. */
  readonly changes?: readonly string[]
  readonly platform?: string
  readonly onProgress?: (message: ProgressMessage) => void
}

export interface LoadOptions {
  readonly onProgress?: (message: ProgressMessage) => void
}

export interface ImageRemoval {
  readonly Untagged?: string
  readonly Deleted?: string
}

export interface ImagesPruned {
  readonly ImagesDeleted: readonly ImageRemoval[] | null
  readonly SpaceReclaimed: number
}

/** One line of `docker history`, newest first. */
export interface ImageHistoryEntry {
  readonly Id: string
  /** Seconds since 1970. */
  readonly Created: number
  readonly CreatedBy: string
  readonly Tags: readonly string[] | null
  readonly Size: number
  readonly Comment: string
}

export interface ImageSearchOptions {
  readonly auth?: RegistryAuth
  readonly limit?: number
  readonly filters?: Readonly<Record<string, readonly string[]>>
}

export interface ImageSearchResult {
  readonly name: string
  readonly description: string
  readonly star_count: number
  readonly is_official: boolean
  readonly is_automated: boolean
}

/** `GET /distribution/{name}/json`: what a registry has under a name, without pulling it. */
export interface DistributionInspect {
  readonly Descriptor: { readonly mediaType: string; readonly digest: string; readonly size: number }
  readonly Platforms: readonly {
    readonly architecture: string
    readonly os: string
    readonly variant?: string
    readonly 'os.version'?: string
  }[]
}

export interface LoginAnswer {
  readonly Status: string
  readonly IdentityToken: string
}
